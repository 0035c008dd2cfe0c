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

from affiliates.models import Affiliate, AffiliateMember, User
from affiliates.roles.grants import member_permissions
from affiliates.roles.table import MEMBER_ROLES
from dashboard.portal.preview import lacking, lacking_of_member

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
    # What the member's roles allow; nothing in a preview.
    permissions: frozenset[str] = frozenset()

    @property
    def can_act(self) -> bool:
        """Whether the user may apply for offers and make links. Operators and closed accounts can only read."""
        return self.affiliate.status == Affiliate.Status.ACTIVE and self.may("tracking.add_trackinglink")

    def may(self, permission: str) -> bool:
        """Whether the member's roles allow it. In a preview nothing is changed."""
        return not self.is_preview and permission in self.permissions

    def lacks(self, name: str | None, *, posts: bool = False) -> list[str]:
        """The permissions that the person lacks for a page of the portal."""
        if self.is_preview:
            return lacking(self.user, name, self.affiliate)
        return lacking_of_member(self.permissions, name, posts=posts)


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
    known = user.rows_within(Affiliate.objects.all())
    affiliate = known.filter(public_id=wanted).first() if wanted else None
    if affiliate is None:
        request.session.pop(PREVIEWED, None)
        return None
    if request.session.get(PREVIEWED) != affiliate.public_id:
        request.session[PREVIEWED] = affiliate.public_id
    return Portal(user, affiliate, (affiliate,), True, zone_of(user))


def _own(request: HttpRequest, user: User) -> Portal | None:
    """The affiliate that the user chose among their own, else the first by name."""
    memberships = AffiliateMember.objects.filter(user=user).select_related("affiliate").order_by("affiliate__name")
    own = {each.affiliate: each.roles for each in memberships}
    if not own:
        return None
    chosen = request.session.get(CHOSEN)
    affiliate = next((each for each in own if each.public_id == chosen), next(iter(own)))
    return Portal(user, affiliate, tuple(own), False, zone_of(user), member_permissions(own[affiliate]))


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
        posts = request.method not in SAFE_METHODS
        if missing := portal.lacks(_name_of(request), posts=posts):
            page = "preview_lacks" if portal.is_preview else "role_lacks"
            context = {"portal": portal, "missing": missing, "roles": [] if portal.is_preview else roles_with(missing)}
            return render(request, f"portal/access/{page}.html", context, status=403)
        if portal.is_preview and posts:
            return render(request, "portal/access/preview_refused.html", {"portal": portal}, status=403)
        with timezone.override(portal.zone):
            return view(request, portal, *args, **kwargs)

    return wrapped


def roles_with(permissions: list[str]) -> list[str]:
    """The titles of the roles that have all of these permissions."""
    return [str(role.title) for role in MEMBER_ROLES if role.permissions.issuperset(permissions)]


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
