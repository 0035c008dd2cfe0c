"""Macros that a platform did not fill in, `{click_id}` in place of a click ID, and words that are no ID: `undefined`.

Used as an ID, either would turn many events into one, so they are refused; real values must not be. Four rules decide:

1. Some notations are used for nothing else: `{x}`, `${x}`, `{{x}}`, `%%x%%`, `#x#`, `<x>`, `__x__`, `!!x!!`, `$x$`,
   `*|x|*`, `@x@`, `[[x]]`, `((x))`, `<%= x %>`, `$(x)`. Any name in them is a macro. With braces and `%%`, this is true
   even if text surrounds them: `ord-{txid}`.
2. Others occur in names too: `[VIP]`, `(Mary)`, `$AVE20`, `*x*`, `|x|`. They are a macro if every word of the name is
   one that macros are made of (`[click id]`, `$txid`), or if the name has an underscore or a dot, which names of people
   do not have.
3. In the place of an ID, words without a digit that ask for one: `ORDER_ID`, `YOUR_CLICK_ID`, `INSERT_TXID_HERE`.
4. In the place of an ID, what programs print for nothing: `undefined`, `null`, `NaN`, `[object Object]`, `0`.
"""

import re
from functools import lru_cache
from html import unescape

_NAME = r"[A-Za-z_][\w.:-]*"
_LOOSE = r"[\w.:>$ ()'\"-]{1,60}"
_OF_NOTHING_ELSE = re.compile(
    r"^(\$?\{.*\}|#[\w.]+#|<[\w. -]+>|%[A-Za-z_][\w.]*%|%7B.*%7D|\$[A-Za-z_][\w.]*\$|__[A-Za-z][\w.]*__"
    r"|!!?[A-Za-z_][\w.]*!!?|@[A-Za-z_][\w.]*@|\*\|[\w.: -]+\|\*|REPLACE\w*|PLACEHOLDER|TRANSACTION_ID|CLICK_ID"
    rf"|[#%@$]\{{{_LOOSE}\}}|\$\({_LOOSE}\)|\[\[{_LOOSE}\]\]|\(\({_LOOSE}\)\)|<<{_LOOSE}>>"
    r"|<%.*%>|<\?.*\?>)$",
    re.IGNORECASE,
)
_WITHIN = re.compile(rf"\$?\{{+[!%]?{_NAME}[!%]?\}}+|%%{_NAME}%%|%7B{_NAME}%7D")
_OF_NAMES_TOO = re.compile(r"(?:\[([\w. -]{1,40})\]|\(([\w. -]{1,40})\)|(?<!\w)\$([A-Za-z_][\w.]{0,39}))(?!\w)")
_BETWEEN = re.compile(r"^(?:([*|~:^=])([A-Za-z_][\w. -]{0,39})\1|\{([A-Za-z_][\w.]{0,39})|([A-Za-z_][\w.]{0,39})\})$")
_SUSPECT = re.compile(r"[{}#<%!\[($@|*~:^=&]|^(__|REPLACE|PLACEHOLDER|TRANSACTION_ID|CLICK_ID)", re.IGNORECASE)
# Some systems write a GUID in braces as an ID.
_GUID = re.compile(r"^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$", re.IGNORECASE)
# The words that macro names are made of.
_MADE_OF = """
    adv advertiser aff affid affiliate amount browser campaign cid city click clickid clid cnv code commission
    conversion conversionid country coupon creative cur currency custom customer customerid date datetime
    deposit device domain email event eventid external fbclid gclid geo goal hash id invoice ip key lang level
    lot lots macro name no num number offer offerid order orderid os param payment payout pid platform player
    playerid price profit promo publisher purchase ref referer referrer reg reqid request rev revenue sale
    session sid site source state status sub subid sum tid time timestamp token total trader trans transaction
    transactionid ts tx txid txn type ua uid unix url user userid username value var variable visit visitor
    volume your zone
"""
_WORDS = frozenset(_MADE_OF.split())
# Names of IDs in one word.
_NAMES_OF_IDS = """
    clickid conversionid customerid eventid orderid playerid reqid subid transactionid txid txnid userid
"""
_IDS = frozenset(_NAMES_OF_IDS.split())
# Words around a macro's name that ask people to fill it in.
_ASKED = "add enter fill here in insert my paste put replace some the type use with your"
_ASKING = frozenset(_ASKED.split())
_LAST = frozenset({"id", "number", "no", "num", "key", "token", "uid", "code", "ref"})
# What programs print in place of a value that is missing, and what people write.
_PRINTED = r"""
    undefined null nan none nil false true void empty missing unknown error notset (none) (null) (undefined) (empty)
    n/a na n.a. #n/a [object] #ref! #value! <nil> <null> \n {} [] () <>
"""
_NOTHING = frozenset(_PRINTED.split()) | frozenset(
    {"not set", "(not set)", "[object object]", "object object", "no value", "not available"}
)
# Of a customer who did not sign in: WooCommerce sends 0 for each of them.
_GUESTS = frozenset({"guest", "anonymous", "anon", "visitor", "-1", "no customer", "not logged in"})
_QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb "


def unfilled(text: str) -> str:
    """The macro in the text, as written there; empty if there is none."""
    if not _SUSPECT.search(text) or _GUID.match(text):
        return ""
    return _unfilled(text) or (_unfilled(unescape(text)) if "&" in text and ";" in text else "")


def _unfilled(text: str) -> str:
    if _OF_NOTHING_ELSE.match(text):
        return text
    if found := _WITHIN.search(text):
        return found[0]
    if (found := _BETWEEN.match(text)) and _is_a_macros_name(found[2] or found[3] or found[4], is_whole=True):
        return text
    for found in _OF_NAMES_TOO.finditer(text):
        if _is_a_macros_name(found[1] or found[2] or found[3], is_whole=found[0] == text):
            return found[0]
    return ""


@lru_cache(maxsize=512)
def is_no_id(text: str) -> bool:
    """Whether the text stands where an ID is missing: a word for nothing, signs alone, zeros, the name of an ID."""
    bare = text.strip(_QUOTES).lower()
    if (
        bare in _NOTHING
        or not any(map(str.isalnum, bare))
        or not bare.strip("0-_.")
        or (len(bare) > 1 and not bare.strip("x-"))
    ):
        return True
    return not any(map(str.isdigit, bare)) and _asks_for_an_id(text.strip(_QUOTES))


def is_guest(text: str) -> bool:
    """Whether the text says that the customer did not sign in."""
    return text.strip(_QUOTES).lower() in _GUESTS


def _asks_for_an_id(name: str) -> bool:
    words = [word.lower() for word in _words(name)]
    named = [word for word in words if word not in _ASKING]
    if not named or not all(word in _WORDS for word in named):
        return bool(words) and not named
    return len(words) > len(named) or (len(named) > 1 and named[-1] in _LAST) or "".join(named) in _IDS


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\s_.-]+|(?<=[a-z])(?=[A-Z])", name) if word]


def _is_a_macros_name(name: str, *, is_whole: bool) -> bool:
    if is_whole and re.search(r"[A-Za-z][_.][A-Za-z]", name):
        return True
    words = _words(name)
    return bool(words) and all(word.lower().rstrip("0123456789") in _WORDS for word in words)
