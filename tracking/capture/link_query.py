"""The parameters of a link, as affiliates, mail tools and networks write them.

Our own names are read in any case. `&amp;` of an address that was pasted through HTML is an ampersand. The
`?fbclid=...` that a network appends to an address which has a query is a parameter of its own, no part of the label
before it.
"""

import re
from functools import lru_cache
from urllib.parse import parse_qsl

from tracking.consent.signals import LIMITS as CONSENT_LIMITS
from tracking.models import SUB_IDS
from web.characters import visible
from web.http import Scope, TooManyFields, clean, pairs

COLUMNS = ("aff_click_id", "source", *SUB_IDS)
# The most characters of a value that is stored. What is only passed on is as long as the address may be.
LIMITS = {**dict.fromkeys(COLUMNS, 255), "aff_click_id": 512, "url": 4000, "click_id": 40, "": 0}
# Read, and passed on as they came; one character more than may be, so that a longer value is noticed.
READ_ALONG = {name: limit + 1 for name, limit in CONSENT_LIMITS.items()}
LONGEST_NAME, LONGEST_VALUE = 60, 16 * 1024
AMPERSAND = "amp;"
_APPENDED = re.compile(
    r"\?(?=(?:fbclid|gclid|gbraid|wbraid|dclid|msclkid|ttclid|twclid|li_fat_id|igshid|igsh|yclid"
    r"|mc_[ce]id|utm_\w+|_ga)=)"
)
# Of a flood of parameters only our own are read.
_MOST_OF_A_FLOOD = 40

Pairs = list[tuple[str, str]]


def read_query(scope: Scope) -> tuple[dict[str, str], Pairs]:
    """The first value of each name, ours in small letters; and the others in their order, to be passed on."""
    encoded: bytes = scope["query_string"]
    found: dict[str, str] = {}
    others: Pairs = []
    if not encoded:
        return found, others
    try:
        sent = pairs(encoded)
    except TooManyFields:
        sent = _own_of(encoded)
    for name, value in sent:
        limit = LIMITS.get(name)
        if limit is None:
            sent_as, (name, limit) = name, _name_of(name)  # noqa: PLW2901
            if name in READ_ALONG:
                found.setdefault(name, clean(value, limit))
                others.append((sent_as, value))
                continue
        if "?" in value and name != "url" and (sign := _APPENDED.search(value)):
            others += parse_qsl(value[sign.end() :], keep_blank_values=True)
            value = value[: sign.start()]  # noqa: PLW2901
        # A cut ID of the affiliate's tracker would be no ID: it is left out whole.
        value = "" if name == "aff_click_id" and len(value) > limit else clean(value, limit)  # noqa: PLW2901
        found.setdefault(name, value)
        if name not in LIMITS:
            others.append((name, value))
    return found, others


@lru_cache(maxsize=4096)
def _name_of(name: str) -> tuple[str, int]:
    """The name without the remains of HTML, ours in small letters; and the longest value."""
    if name.startswith(AMPERSAND):
        name = name.replace(AMPERSAND, "")
    folded = visible(name).lower()
    if folded in LIMITS:
        return folded, LIMITS[folded]
    if folded in READ_ALONG:
        return folded, READ_ALONG[folded]
    return clean(name, LONGEST_NAME), LONGEST_VALUE


def _own_of(encoded: bytes) -> Pairs:
    """Our own parameters of a query that has too many to read them all."""
    parts = [part for part in encoded.split(b"&") if _is_own(part)]
    try:
        return pairs(b"&".join(parts[:_MOST_OF_A_FLOOD]))
    except TooManyFields:
        return []


def _is_own(part: bytes) -> bool:
    name = part.partition(b"=")[0].removeprefix(AMPERSAND.encode()).lower()
    text = name.decode("ascii", "replace")
    return text in LIMITS or text in READ_ALONG
