"""The postback doctor's page: operators paste a request and see its problems."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from affiliates.models import Advertiser
from conversions.dialects.table import DIALECTS
from conversions.doctor import NotReadable, as_form, diagnose, read
from conversions.doctor.dry_run import DryRun
from conversions.doctor.reading import LONGEST
from conversions.models import SenderMapping, Trace
from dashboard.trace.events import TraceDecision, decision_of
from records.translation import gettext_lazy as _

EXAMPLE = "/postback?click_id={click_id}&txid=1001&event_type=purchase&revenue=59.90&currency=EUR&token=…"


def form_choices() -> list[Any]:
    """The formats in which a request can be read: ours, a platform's, or a mapping that an operator defined."""
    own = SenderMapping.objects.values_list("slug", "name")
    presets = [(each.name, each.title) for each in DIALECTS]
    return [
        ("", gettext("as its address says")),
        ("native", gettext("Affidavit's own")),
        (gettext("Mappings"), [*own]),
        (gettext("Presets"), presets),
    ]


class DoctorForm(forms.Form):
    """A request, its format, and its advertiser if its token does not identify one."""

    request = forms.CharField(
        max_length=LONGEST,
        label=_("Address, JSON body or curl command"),
        widget=forms.Textarea({"rows": 5, "spellcheck": "false", "autocomplete": "off", "placeholder": EXAMPLE}),
    )
    form = forms.ChoiceField(choices=form_choices, required=False, label=_("Read it"))
    advertiser = forms.ModelChoiceField(
        Advertiser.objects.order_by("name"),
        to_field_name="public_id",
        required=False,
        empty_label=_("as its token says"),
        label=_("Decide it as"),
    )

    def clean_request(self) -> Any:
        try:
            return read(self.cleaned_data["request"])
        except NotReadable as error:
            raise forms.ValidationError(str(error)) from error


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """`/tools/doctor/` for operators who may read decision traces. Pasted text is sent by POST and not stored."""
    if not (request.user.is_staff and request.user.has_perm("conversions.view_trace")):
        raise PermissionDenied(gettext("The postback doctor is for operators who may view decision traces."))
    if request.user.has_limits:
        raise PermissionDenied(gettext("The postback doctor looks at all affiliates: it needs a role for all of them."))
    posted = request.POST if request.method == "POST" else None
    form = DoctorForm(posted, auto_id="doctor_%s", initial=_asked_for(request.GET.get("form", "")))
    found = None
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        sent = as_form(given["request"], given["form"]) if given["form"] else given["request"]
        found = diagnose(sent, now=timezone.now(), advertiser=given["advertiser"])
    context = {
        **admin.site.each_context(request),
        "title": gettext("Postback doctor"),
        "form": form,
        "found": found,
        "decision": _shown(found.run) if found else None,
        "corrected": _shown(found.corrected_run) if found else None,
        "is_fullwidth": "1",
    }
    return TemplateResponse(request, "admin/doctor.html", context)


def _asked_for(name: str) -> dict[str, object]:
    """The dialect selected by the page's address, with the advertiser that it belongs to."""
    mapping = SenderMapping.objects.select_related("advertiser").filter(slug=name).first() if name else None
    whose = mapping.advertiser.public_id if mapping and mapping.advertiser else None
    return {"form": name, "advertiser": whose}


def _shown(run: DryRun | None) -> TraceDecision | None:
    """The decision as the trace page shows those that were made."""
    if run is None:
        return None
    body = run.decision.body
    trace = Trace(
        outcome=body["outcome"],
        reason=body["reason"],
        http_status=run.decision.http_status,
        steps=run.steps,
    )
    return decision_of(trace)
