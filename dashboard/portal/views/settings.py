"""Settings: the person's own name and time zone, and where the money goes."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from affiliates.models import AffiliateMember, User
from dashboard.portal.access import Portal, portal_of, portal_view, zone_of
from dashboard.portal.forms import ProfileForm
from dashboard.portal.listing import render_page
from dashboard.portal.payout_form import PayoutMethodForm
from payouts.models import PayoutMethod
from payouts.paying.methods import FIELDS, set_method
from payouts.statements.payout_terms import terms_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """The user's own settings. Operators have them too, whichever affiliate they preview."""
    user = cast(User, request.user)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, gettext("Saved."))
        return redirect("portal:profile")
    user.refresh_from_db()
    with timezone.override(zone_of(user)):
        status = 400 if form.errors else 200
        return render_page(request, portal_of(request), "portal/settings/profile.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view
def payout_method(request: HttpRequest, portal: Portal) -> HttpResponse:
    """The affiliate's payout method. Owners and finance may change it; all owners are notified by e-mail."""
    now = PayoutMethod.objects.filter(affiliate=portal.affiliate, replaced_at=None).first()
    wanted = request.GET.get("kind", now.kind if now else PayoutMethod.Kind.SEPA)
    kind = wanted if wanted in FIELDS else PayoutMethod.Kind.SEPA
    may_change = portal.may("payouts.add_payoutmethod")
    form = PayoutMethodForm(kind, portal.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = set_method(
            affiliate=portal.affiliate, kind=kind, details=form.details, actor=portal.user, now=timezone.now()
        )
        notify_owners(portal, made)
        messages.success(
            request,
            gettext("Your payouts go to {made} from now on. All owners were informed by e-mail.").format(made=made),
        )
        return redirect("portal:payout_method")
    context = {
        "form": form,
        "kind": kind,
        "kinds": PayoutMethod.Kind.choices,
        "method": now,
        "terms": terms_of(portal.affiliate.pk),
        "may_change": may_change,
    }
    return render_page(
        request, portal, "portal/settings/payout_method.html", context, status=400 if form.errors else 200
    )


def notify_owners(portal: Portal, method: PayoutMethod) -> None:
    """Notify the owners, because an attacker would change this first. A failed mail does not undo the change."""
    owners = AffiliateMember.objects.filter(affiliate=portal.affiliate, roles__contains=[AffiliateMember.OWNER])
    addresses = list(owners.values_list("user__email", flat=True))
    text = gettext(
        "{user} changed where the payouts of {affiliate} go: from now on to {method}.\n\n"
        "If none of you did this, change your password and contact us at once.\n"
    ).format(user=portal.user, affiliate=portal.affiliate.name, method=method)
    send_mail(gettext("Your payout details were changed"), text, None, addresses, fail_silently=True)
