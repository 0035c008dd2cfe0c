"""The panel's own search (Ctrl+K): an ID typed there leads to its full history."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from unfold.dataclasses import SearchResult

from affiliates.access.operators import operator
from dashboard.trace import look_up_for
from payouts.models import BilledClicks
from tracking.click_id.pasted import LONGEST, narrowed

SHORTEST_ID = 8
LONGEST_LINK = 1_000


def find(request: HttpRequest, term: str) -> list[SearchResult]:
    """Traces for what was typed. Unfold hands over the term in lower case; transaction IDs need it as typed."""
    typed = request.GET.get("s", term).strip()
    if narrowed(typed).startswith("bc_"):
        return _clicks(request, narrowed(typed))
    if not request.user.has_perm("conversions.view_trace"):
        return []
    found = look_up_for(operator(request), typed[:LONGEST])
    if not found.is_known:
        return _nothing(typed)
    link = f"{reverse('trace:search')}?{urlencode({'q': found.query})}"
    return [
        SearchResult(
            title=gettext("Trace: {found_title}").format(found_title=found.title),
            description=found.text,
            link=link,
            icon="timeline",
        )
    ]


def _nothing(typed: str) -> list[SearchResult]:
    """A "no result" line, for text that looks like an ID or contains one; pages are also searched by name."""
    if len(typed) < SHORTEST_ID or not any(character.isdigit() for character in typed):
        return []
    text = gettext("Nothing has an ID from this text. Open the trace to see why and what to try.")
    link = f"{reverse('trace:search')}?{urlencode({'q': typed[:LONGEST_LINK]})}"
    return [
        SearchResult(
            title=gettext("No click, postback or conversion found"), description=text, link=link, icon="search_off"
        )
    ]


def _clicks(request: HttpRequest, public_id: str) -> list[SearchResult]:
    """A link's clicks of a day, as ledger lines name them."""
    known = operator(request).rows_within(BilledClicks.objects.select_related("link"))
    row = known.filter(public_id=public_id).first()
    if row is None or not request.user.has_perm("payouts.view_billedclicks"):
        return []
    link = reverse("admin:payouts_billedclicks_change", args=[row.pk])
    text = gettext("The counted event, and the commission booked for it.")
    return [
        SearchResult(title=gettext("Paid clicks: {row}").format(row=row), description=text, link=link, icon="ads_click")
    ]
