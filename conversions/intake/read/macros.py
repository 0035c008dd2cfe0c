"""Macros that a platform did not fill in: `{click_id}` in place of a click ID.

Used as an ID, a macro would turn many events into one, so macros are refused; real values must not be. Two rules
decide:

1. Some notations are used for nothing else: `{x}`, `${x}`, `{{x}}`, `%%x%%`, `#x#`, `<x>`, `__x__`, `!!x!!`, `$x$`. Any
   name in them is a macro. With braces and `%%`, this is true even if text surrounds them: `ord-{txid}`.
2. Others occur in names too: `[VIP]`, `(Mary)`, `$AVE20`. They are a macro if every word of the name is one that macros
   are made of (`[click id]`, `$txid`), or if the name has an underscore or a dot, which names of people do not have.
"""

import re

_NAME = r"[A-Za-z_][\w.:-]*"
_OF_NOTHING_ELSE = re.compile(
    r"^(\$?\{.*\}|#[\w.]+#|<[\w. -]+>|%[A-Za-z_][\w.]*%|%7B.*%7D|\$[A-Za-z_][\w.]*\$|__[A-Za-z][\w.]*__"
    r"|!!?[A-Za-z_][\w.]*!!?|REPLACE\w*|PLACEHOLDER|TRANSACTION_ID|CLICK_ID)$",
    re.IGNORECASE,
)
_WITHIN = re.compile(rf"\$?\{{+[!%]?{_NAME}[!%]?\}}+|%%{_NAME}%%|%7B{_NAME}%7D")
_OF_NAMES_TOO = re.compile(r"(?:\[([\w. -]{1,40})\]|\(([\w. -]{1,40})\)|(?<!\w)\$([A-Za-z_][\w.]{0,39}))(?!\w)")
_SUSPECT = re.compile(r"[{#<%!\[($]|^(__|REPLACE|PLACEHOLDER|TRANSACTION_ID|CLICK_ID)", re.IGNORECASE)
# Some systems write a GUID in braces as an ID.
_GUID = re.compile(r"^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$", re.IGNORECASE)
# The words that macro names are made of.
_MADE_OF = """
    aff affid affiliate amount advertiser adv browser campaign cid city click clickid clid cnv code commission
    conversion conversionid country coupon creative currency custom customer customerid cur date datetime deposit
    device domain email event external eventid fbclid gclid geo goal hash id ip key lang level lot lots macro name
    no num number offer offerid order orderid os param payment payout pid platform player playerid price profit
    promo publisher ref referrer referer reg reqid request rev revenue sale session sid site source state status sub
    subid sum tid time timestamp ts token total trader transaction transactionid trans tx txid txn type ua uid unix
    url user userid username value var variable visit visitor volume your zone
"""
_WORDS = frozenset(_MADE_OF.split())


def unfilled(text: str) -> str:
    """The macro in the text, as written there; empty if there is none."""
    if not _SUSPECT.search(text) or _GUID.match(text):
        return ""
    if _OF_NOTHING_ELSE.match(text):
        return text
    if found := _WITHIN.search(text):
        return found[0]
    for found in _OF_NAMES_TOO.finditer(text):
        if _is_a_macros_name(found[1] or found[2] or found[3], is_whole=found[0] == text):
            return found[0]
    return ""


def _is_a_macros_name(name: str, *, is_whole: bool) -> bool:
    if is_whole and re.search(r"[A-Za-z][_.][A-Za-z]", name):
        return True
    words = [word for word in re.split(r"[\s_.-]+|(?<=[a-z])(?=[A-Z])", name) if word]
    return bool(words) and all(word.lower().rstrip("0123456789") in _WORDS for word in words)
