"""Scopes of API keys: what a key may be used for. A key never does more than the person it acts for."""

from dataclasses import dataclass

from records.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Scope:
    code: str
    title: str
    words: str


READ = Scope("read", _("Read"), _("Read everything but money: offers, links, clicks, conversions, postbacks, traces."))
LINKS = Scope("links", _("Links"), _("Make and change tracking links."))
EVENTS = Scope("events", _("Events"), _("Have postbacks decided again."))
DECISIONS = Scope(
    "decisions", _("Decisions"), _("Approve, reject and refund conversions; decide about contradicting postbacks.")
)
MONEY = Scope(
    "money",
    _("Read money"),
    _("Read commission, the ledger, balances, statements, invoices, payouts and what-ifs."),
)
SETTINGS = Scope("settings", _("Settings"), _("Try commission plans in what-ifs."))

SCOPES: tuple[Scope, ...] = (READ, LINKS, EVENTS, DECISIONS, MONEY, SETTINGS)
# Those that an affiliate can use: the others are for what operators do.
OF_AFFILIATES: tuple[Scope, ...] = (READ, LINKS, MONEY)
BY_CODE = {each.code: each for each in SCOPES}


def all_scopes() -> list[str]:
    """Those of a key that was made before there were scopes, or by a command: all."""
    return [each.code for each in SCOPES]
