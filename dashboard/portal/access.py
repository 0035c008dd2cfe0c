"""The affiliate that a signed-in user sees: one of their own, or, for an operator, any affiliate (read-only)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from affiliates.models import Affiliate, User
from dashboard.portal.preview import lacking

CHOSEN = "portal_affiliate"
PREVIEWED = "portal_preview"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Portal:
    """One person's view of one affiliate."""

    user: User
    affiliate: Affiliate
    affiliates: tuple[Affiliate, ...]
    is_preview: bool
    zone: ZoneInfo

    @property
    def can_act(self) -> bool:
        """Whether the user may apply for offers and make links. Operators and closed accounts can only read."""
        return not self.is_preview and self.affiliate.status == Affiliate.Status.ACTIVE


def zone_of(user: User) -> ZoneInfo:
    """The time zone that the user chose; UTC if this system does not know it."""
    try:
        return ZoneInfo(user.time_zone)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def portal_of(request: HttpRequest) -> Portal | None:
    """The portal that this request shows, or None when the person has no affiliate to see. Looked up once."""
    if not hasattr(request, "_portal"):
        request._portal = _look_up(request)  # type: ignore[attr-defined]
    return cast("Portal | None", request._portal)  # type: ignore[attr-defined]


def _look_up(request: HttpRequest) -> Portal | None:
    user = request.user
    if not isinstance(user, User):
        return None
    return _preview(request, user) if user.is_staff else _own(request, user)


def _preview(request: HttpRequest, user: User) -> Portal | None:
    """An operator's preview of the affiliate named by `?as=`, stored in the session until the operator leaves it."""
    wanted = request.GET.get("as") or request.session.get(PREVIEWED)
    affiliate = Affiliate.objects.filter(public_id=wanted).first() if wanted else None
    if affiliate is None:
        request.session.pop(PREVIEWED, None)
        return None
    if request.session.get(PREVIEWED) != affiliate.public_id:
        request.session[PREVIEWED] = affiliate.public_id
    return Portal(user, affiliate, (affiliate,), True, zone_of(user))


def _own(request: HttpRequest, user: User) -> Portal | None:
    """The affiliate that the user chose among their own, else the first by name."""
    own = tuple(Affiliate.objects.filter(members__user=user))
    if not own:
        return None
    chosen = request.session.get(CHOSEN)
    affiliate = next((each for each in own if each.public_id == chosen), own[0])
    return Portal(user, affiliate, own, False, zone_of(user))


PortalView = Callable[..., HttpResponseBase]


def portal_view(view: PortalView) -> PortalView:
    """A page of the portal: signed in, with an affiliate, times in the user's zone. The view gets the portal.

    Operators without a preview go to the operator panel. In a preview they may look but not post, and need the
    permissions that the panel asks for the same rows (`preview.NEEDS`).
    """

    @login_required
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        portal = portal_of(request)
        if portal is None:
            return _without_affiliate(request)
        if portal.is_preview and (missing := lacking(portal.user, _name_of(request))):
            return render(
                request, "portal/access/preview_lacks.html", {"portal": portal, "missing": missing}, status=403
            )
        if portal.is_preview and request.method not in SAFE_METHODS:
            return render(request, "portal/access/preview_refused.html", {"portal": portal}, status=403)
        with timezone.override(portal.zone):
            return view(request, portal, *args, **kwargs)

    return wrapped


def _name_of(request: HttpRequest) -> str | None:
    """The name of the page's address within the portal."""
    return request.resolver_match.url_name if request.resolver_match else None


def _without_affiliate(request: HttpRequest) -> HttpResponseBase:
    if cast(User, request.user).is_staff:
        return redirect("admin:index")
    return render(request, "portal/access/no_affiliate.html", status=403)


def act_view(view: PortalView) -> PortalView:
    """A portal page that changes something in the program: refused, with the reason, unless the affiliate is active."""

    @portal_view
    @wraps(view)
    def wrapped(request: HttpRequest, portal: Portal, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if portal.affiliate.status != Affiliate.Status.ACTIVE:
            return render(request, "portal/access/not_active.html", {"portal": portal}, status=403)
        return view(request, portal, *args, **kwargs)

    return wrapped
