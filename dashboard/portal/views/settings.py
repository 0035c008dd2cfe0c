"""Settings: the person's own name and time zone, and the affiliate's API keys."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from affiliates.api_keys import make_api_key
from affiliates.models import ApiKey, User
from dashboard.portal.access import Portal, portal_of, portal_view, zone_of
from dashboard.portal.forms import ApiKeyForm, ProfileForm
from dashboard.portal.listing import render_page
from dashboard.portal.queries.objects import api_key_for


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Everybody's own settings: operators have them too, whatever affiliate they look at."""
    user = cast(User, request.user)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("portal:profile")
    user.refresh_from_db()
    with timezone.override(zone_of(user)):
        status = 400 if form.errors else 200
        return render_page(request, portal_of(request), "portal/profile.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view
def api_keys(request: HttpRequest, portal: Portal) -> HttpResponse:
    """List the keys and make one. A new key is shown in this one answer and never again."""
    form = ApiKeyForm(request.POST or None)
    text = ""
    if request.method == "POST" and form.is_valid():
        _, text = make_api_key(user=portal.user, name=form.cleaned_data["name"], affiliate=portal.affiliate)
        form = ApiKeyForm()
    keys = (
        ApiKey.objects.filter(affiliate=portal.affiliate)
        .select_related("user")
        .order_by(F("revoked_at").desc(nulls_first=True), "-created_at")
    )
    context = {"form": form, "keys": keys, "new_key": text}
    return render_page(request, portal, "portal/api_keys.html", context, status=400 if form.errors else 200)


@require_POST
@portal_view
def revoke_api_key(request: HttpRequest, portal: Portal, pk: int) -> HttpResponse:
    key = api_key_for(portal.affiliate, portal.user, pk)
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    messages.success(request, f"The key “{key.name}” is revoked. Whoever still uses it is refused.")
    return redirect("portal:api_keys")
