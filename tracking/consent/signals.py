"""What a link says about the visitor's consent: one reader for each way to say it.

The most restrictive of several signals counts. One that cannot be read makes the consent unknown, which is treated as
a refusal; it is never guessed.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from tracking.consent.tcf import LONGEST, NoConsentString, decode
from web.http import clean


class State(StrEnum):
    """What the visitor agreed to. The empty state of a click: nothing was said."""

    GRANTED = "granted"
    DENIED = "denied"
    LIMITED = "limited"
    NOT_REQUIRED = "not_required"
    UNKNOWN = "unknown"


class Consent(NamedTuple):
    """The state, and the signals that it was read from, in words."""

    state: str
    basis: str


NOTHING_SAID = Consent("", "")
LONGEST_BASIS = 255
# The parameters and the most characters of each; a longer one is not read.
LIMITS = {
    "consent": 40, "gdpr": 20, "gdpr_consent": LONGEST, "gcs": 20, "gcd": 60, "us_privacy": 20,
}  # fmt: skip
NAMES = frozenset(LIMITS)
# The one that counts comes first.
_STRICTEST = (State.DENIED, State.UNKNOWN, State.LIMITED, State.GRANTED, State.NOT_REQUIRED)
_WORDS = {
    **dict.fromkeys(("granted", "grant", "yes", "y", "1", "true", "accepted", "accept", "allow", "opt_in", "optin"),
                    State.GRANTED),
    **dict.fromkeys(("denied", "deny", "no", "n", "0", "false", "rejected", "reject", "declined", "refused",
                     "withdrawn", "opt_out", "optout"), State.DENIED),
    **dict.fromkeys(("limited",), State.LIMITED),
    **dict.fromkeys(("not_required", "not_applicable"), State.NOT_REQUIRED),
    **dict.fromkeys(("unknown", "pending"), State.UNKNOWN),
}  # fmt: skip
_GCS = re.compile(r"G1([01-])([01-])")
# Four letters, each behind a digit: storage for ads, for analytics, user data for ads, personal ads.
_GCD = re.compile(r"1\d([a-z])\d([a-z])\d([a-z])\d([a-z])\d?.*")
_GRANTED_LETTERS, _DENIED_LETTERS = frozenset("tnrv"), frozenset("pqmu")
_US = re.compile(r"1[YN-]([YN-])[YN-]", re.IGNORECASE)
# The purposes of the framework that a click needs: store on the device, and measure the advertisement.
STORE, MEASURE = 1, 7

Reading = Consent | None


def _word(query: Mapping[str, str]) -> Reading:
    text = query["consent"]
    state = _WORDS.get(text.strip().lower().replace("-", "_").replace(" ", "_"))
    return Consent(state, f"consent={_shown(text)}") if state else _unread("consent", "it is none of the words", text)


def _framework(query: Mapping[str, str]) -> Reading:
    applies, text = query.get("gdpr", "").strip(), query.get("gdpr_consent", "").strip()
    if applies not in ("", "0", "1"):
        return _unread("gdpr", "it is neither 0 nor 1", applies)
    if applies == "0":
        return Consent(State.NOT_REQUIRED, "gdpr=0")
    if not text:
        # A site that asks on its own says so by consent=.
        alone = applies and not query.get("consent", "").strip()
        return Consent(State.DENIED, "gdpr=1 without gdpr_consent") if alone else None
    try:
        found = decode(text)
    except NoConsentString as error:
        return _unread("gdpr_consent", str(error), text)
    is_granted = STORE in found.consents and (MEASURE in found.consents or MEASURE in found.interests)
    purposes = ",".join(map(str, sorted(found.consents))) or "none"
    basis = f"TCF: purposes {purposes}; platform {found.platform}, {found.updated_on}"
    return Consent(State.GRANTED if is_granted else State.DENIED, basis)


def _consent_mode(query: Mapping[str, str]) -> Reading:
    text = query["gcs"].strip()
    found = _GCS.fullmatch(text.upper())
    if not found:
        return _unread("gcs", "it is not of the form G1xy", text)
    states = {"1": State.GRANTED, "0": State.DENIED}
    return Consent(states[found[1]], f"gcs={text}") if found[1] in states else None


def _consent_mode_details(query: Mapping[str, str]) -> Reading:
    """The details that Google's tags send. Their form is not published: the letters are a guess from their use."""
    text = query["gcd"].strip()
    found = _GCD.fullmatch(text.lower())
    if not found:
        return _unread("gcd", "it is not of the known form", text)
    letters = {found[1], found[3]} - {"l"}
    if letters & _DENIED_LETTERS:
        return Consent(State.DENIED, f"gcd={text}")
    if not letters <= _GRANTED_LETTERS:
        return _unread("gcd", "it has letters of unknown meaning", text)
    return Consent(State.GRANTED, f"gcd={text}") if letters else None


def _us_privacy(query: Mapping[str, str]) -> Reading:
    """The string for California: an opt-out limits what is passed on, for no consent is required there."""
    text = query["us_privacy"].strip()
    found = _US.fullmatch(text)
    if not found:
        return _unread("us_privacy", "it is not of the form 1YNN", text)
    is_out = found[1].upper() == "Y"
    return Consent(State.LIMITED if is_out else State.NOT_REQUIRED, f"us_privacy={text}")


_READERS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, str]], Reading]], ...] = (
    (("consent",), _word),
    (("gdpr", "gdpr_consent"), _framework),
    (("gcs",), _consent_mode),
    (("gcd",), _consent_mode_details),
    (("us_privacy",), _us_privacy),
)


def read_consent(query: Mapping[str, str]) -> Consent:
    """The consent that a link's parameters state. Names are in small letters; empty values say nothing."""
    readings = [
        reading
        for names, read in _READERS
        if any(query.get(name, "").strip() for name in names)
        and (reading := _within_limits(names, query) or read(query))
    ]
    if not readings:
        return NOTHING_SAID
    state = min((reading.state for reading in readings), key=lambda each: _STRICTEST.index(State(each)))
    return Consent(state, "; ".join(reading.basis for reading in readings)[:LONGEST_BASIS])


def _within_limits(names: tuple[str, ...], query: Mapping[str, str]) -> Reading:
    """None, or the reading of a value that is too long to be read."""
    for name in names:
        if len(query.get(name, "")) > LIMITS[name]:
            return _unread(name, f"it is longer than {LIMITS[name]} characters", query[name])
    return None


def _unread(name: str, why: str, text: str) -> Consent:
    return Consent(State.UNKNOWN, f"{name} was not read, for {why}: {_shown(text)}")


def _shown(text: str) -> str:
    return clean(text[:24].encode("ascii", "backslashreplace").decode(), 60)
