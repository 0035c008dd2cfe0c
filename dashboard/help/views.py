"""The public page of each reason: what it means, and how to put it right."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS

# The texts change with a release only.
HOUR = 3600


@require_safe
@cache_control(public=True, max_age=HOUR)
def reason(request: HttpRequest, code: str) -> HttpResponse:
    if code not in Reason.values:
        raise Http404
    found = Reason(code)
    return render(request, "help/reason.html", {"reason": found, "explained": EXPLANATIONS[found]})


@require_safe
@cache_control(public=True, max_age=HOUR)
def reasons(request: HttpRequest) -> HttpResponse:
    listed = [(each, EXPLANATIONS[each]) for each in Reason]
    return render(request, "help/reasons.html", {"reasons": listed})
