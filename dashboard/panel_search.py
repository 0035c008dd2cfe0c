"""The panel's own search (Ctrl+K): an ID typed there leads to its whole story."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from unfold.dataclasses import SearchResult

from dashboard.trace import look_up


def find(request: HttpRequest, term: str) -> list[SearchResult]:
    """Traces for what was typed. Unfold hands over the term in lower case; transaction IDs need it as typed."""
    if not request.user.has_perm("conversions.view_trace"):
        return []
    typed = request.GET.get("s", term).strip()
    found = look_up(typed)
    if not found.is_known:
        return []
    link = f"{reverse('trace:search')}?{urlencode({'q': typed})}"
    return [SearchResult(title=f"Trace: {found.title}", description=found.text, link=link, icon="timeline")]
