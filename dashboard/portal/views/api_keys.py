"""API keys in the portal: a member makes and changes their own; an owner revokes anyone's."""

from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from affiliates.access.api_keys import make_api_key, rotate_api_key
from affiliates.models import ApiKey
from dashboard.portal.access import Portal, portal_view
from dashboard.portal.api_key_form import ApiKeyForm, RotateKeyForm
from dashboard.portal.listing import render_page
from dashboard.portal.queries.objects import api_key_for

REVOKE_ALL = "affiliates.delete_apikey"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@portal_view
def api_keys(request: HttpRequest, portal: Portal) -> HttpResponse:
    """List the keys and make one. A new key is shown in this one answer and never again."""
    form = ApiKeyForm(request.POST or None)
    text = ""
    if request.method == "POST" and form.is_valid():
        _, text = make_api_key(user=portal.user, affiliate=portal.affiliate, **form.settings)
        form = ApiKeyForm()
    return _page(request, portal, {"form": form, "new_key": text})


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view
def edit_api_key(request: HttpRequest, portal: Portal, pk: int) -> HttpResponse:
    """Change what one's own key may do, from where and until when. Its secret stays."""
    key = api_key_for(portal.affiliate, portal.user, pk)
    form = ApiKeyForm.of(key, request.POST or None)
    if request.method == "POST" and form.is_valid():
        for name, value in form.settings.items():
            setattr(key, name, value)
        key.save(update_fields=list(form.settings))
        messages.success(request, gettext("The key “{key}” is changed.").format(key=key.name))
        return redirect("portal:api_keys")
    context = {"form": form, "key": key, "rotation": RotateKeyForm()}
    return render_page(request, portal, "portal/settings/api_key.html", context, status=400 if form.errors else 200)


@require_POST
@never_cache
@portal_view
def rotate_api_key_view(request: HttpRequest, portal: Portal, pk: int) -> HttpResponse:
    """Give one's own key a new secret, shown in this one answer; the old one stays valid for the time chosen."""
    key = api_key_for(portal.affiliate, portal.user, pk)
    form = RotateKeyForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Choose how long the old secret stays valid."))
        return redirect("portal:edit_api_key", key.pk)
    text = rotate_api_key(key_id=key.pk, keep_hours=form.cleaned_data["keep_hours"], now=timezone.now())
    return _page(request, portal, {"form": ApiKeyForm(), "new_key": text, "rotated": key})


def _page(request: HttpRequest, portal: Portal, context: dict[str, Any]) -> HttpResponse:
    keys = ApiKey.objects.filter(affiliate=portal.affiliate).select_related("user")
    shown = {
        "keys": keys.order_by(F("revoked_at").desc(nulls_first=True), "-created_at"),
        "may_make": portal.may("affiliates.add_apikey"),
        "revokes_all": portal.may(REVOKE_ALL),
        "now": timezone.now(),
        **context,
    }
    status = 400 if context["form"].errors else 200
    return render_page(request, portal, "portal/settings/api_keys.html", shown, status=status)


@require_POST
@portal_view
def revoke_api_key(request: HttpRequest, portal: Portal, pk: int) -> HttpResponse:
    key = api_key_for(portal.affiliate, portal.user, pk, any_ones=portal.may(REVOKE_ALL))
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    messages.success(
        request, gettext("The key “{key}” is revoked. Requests that still use it are refused.").format(key=key.name)
    )
    return redirect("portal:api_keys")
