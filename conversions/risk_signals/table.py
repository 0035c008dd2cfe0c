"""All risk signals in the order of traces, and what is derived from them: columns, the statement, texts."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import models

from conversions.risk_signals.base import Signal
from conversions.risk_signals.bot_click import BotClick
from conversions.risk_signals.country_mismatch import CountryMismatch
from conversions.risk_signals.crowded_click import CrowdedClick
from conversions.risk_signals.data_centre import DataCentre
from conversions.risk_signals.duplicate_click import DuplicateClick
from conversions.risk_signals.same_address import SameAddress
from conversions.risk_signals.self_referral import SelfReferral
from conversions.risk_signals.too_fast import TooFast
from conversions.risk_signals.velocity import Velocity
from records.kinds import table

PARTS = {
    "title": "its name in the panel.",
    "points": "how much it weighs by default.",
    "group": "where it stands in the panel's form.",
    "found_when": "the help text of its points.",
    "to_affiliates": "what an affiliate reads, without points and limits.",
    "evidence": "the names of the values that are stored with it.",
    "find": "how it is found.",
}
# The text for affiliates about a signal that this version does not know.
A_SIGNAL = "A signal speaks against it."


def _checked(signals: dict[str, Signal]) -> dict[str, Signal]:
    """Check the signals: a number in the text for affiliates could show how to stay below a limit."""
    for signal in signals.values():
        if any(letter.isdigit() for letter in signal.to_affiliates):
            raise ImproperlyConfigured(f"`to_affiliates` of the risk signal {signal.code} holds a number.")
    return signals


SIGNALS: dict[str, Signal] = _checked(
    table(
        PARTS,
        BotClick,
        DataCentre,
        DuplicateClick,
        TooFast,
        CountryMismatch,
        SameAddress,
        CrowdedClick,
        SelfReferral,
        Velocity,
    )
)


def columns_of(signal: Signal) -> dict[str, "models.Field[Any, Any]"]:
    """The columns of the risk policy that belong to a signal: its points, then its limits."""
    points = models.PositiveSmallIntegerField(default=signal.points, help_text=signal.found_when)
    return {signal.code: points, **{name: setting.field for name, setting in signal.settings.items()}}


def words_for_affiliates(code: str) -> str:
    """The sentence for a signal; a general one for a code that is not known."""
    return SIGNALS[code].to_affiliates if code in SIGNALS else A_SIGNAL


def title_of(code: str) -> str:
    """The signal's name in the panel; the code itself for one that is not known."""
    return SIGNALS[code].title if code in SIGNALS else code
