"""Personal data that does not belong in a postback: e-mail addresses, telephone, account and card numbers.

The setting `PERSONAL_DATA` decides: such values are replaced by a digest before anything is stored (`mask`), the
request is also refused (`refuse`), or the values are stored as sent (`keep`). The digest of a value is always the same,
so a customer stays one customer.
"""

import hashlib
import hmac
import re
from functools import lru_cache

from django.conf import settings
from stdnum import iban, luhn

from conversions.values import decoded_again

Pairs = list[tuple[str, str]]
KEEP, MASK, REFUSE = "keep", "mask", "refuse"
_EMAIL = re.compile(r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$")
# Digits alone may be a customer number, and 001-000123 an order number: a telephone number is known by its plus or its
# spaces, a card number by its four groups.
_PHONE = re.compile(r"^(\+|00(?=[0-9]* ))[0-9 ][0-9 ()/.-]{6,18}[0-9]$")
_CARD = re.compile(r"^[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}$")
_DIGEST = re.compile(r"^pd_[0-9a-f]{24}$")
# Candidates within a text; `kind_of` decides.
_IN_TEXT = re.compile(
    r"[\w.+-]{1,64}(?:@|%40)[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w.])(?:\+|%2B|00(?=[0-9]* ))[0-9 ][0-9 ()/.-]{6,18}[0-9]"
    r"|\b[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}\b"
    r"|\b[A-Za-z]{2}[0-9]{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,4})?\b"
)
# Fields that cannot hold personal data, whatever the value looks like.
_LEFT_ALONE = frozenset({"token", "timestamp", "revenue", "payout", "refund", "currency", "signature"})


def kind_of(value: str) -> str:
    """The kind of personal data that a value is, in words; empty for none."""
    text = decoded_again(value.strip())
    if "@" in text and _EMAIL.match(text):
        return "an e-mail address"
    if text.startswith(("+", "00")) and _PHONE.match(text):
        return "a telephone number"
    if len(text) == 19 and _CARD.match(text) and luhn.is_valid(text.replace(text[4], "")):
        return "a card number"
    if text[:2].isalpha() and text[2:4].isdigit() and 15 <= len(text) <= 42 and iban.is_valid(text):
        return "an account number"
    return ""


def hide_in_text(text: str) -> str:
    """Replace the personal data that can be found in a text that could not be parsed as parameters."""
    if settings.PERSONAL_DATA == KEEP:
        return text
    return _IN_TEXT.sub(lambda found: digest_of(found[0]) if kind_of(found[0]) else found[0], text)


def hide(pairs: Pairs) -> tuple[Pairs, list[tuple[str, str]]]:
    """Return the parameters with personal data replaced by digests, and the name and kind of each replaced value."""
    if settings.PERSONAL_DATA == KEEP:
        return pairs, []
    hidden, notes = [], []
    for name, value in pairs:
        kind = kind_of(value) if value and name.lower() not in _LEFT_ALONE else ""
        hidden.append((name, digest_of(value) if kind else value))
        if kind:
            notes.append((name, kind))
    return (hidden, notes) if notes else (pairs, [])


def hidden_before(pairs: Pairs) -> list[tuple[str, str]]:
    """Return the names and kinds of values that were replaced on receipt, recognised by their digests."""
    return [(name, "personal data") for name, value in pairs if _DIGEST.match(value)]


def digest_of(value: str) -> str:
    """`pd_` and 24 letters and digits: the same for the same value, whatever its spaces and capitals."""
    plain = "".join(decoded_again(value.strip()).split()).lower()
    return "pd_" + hmac.new(_key(settings.PERSONAL_DATA_KEY), plain.encode(), hashlib.sha256).hexdigest()[:24]


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"personal data in postbacks" + secret.encode()).digest()
