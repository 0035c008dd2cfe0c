"""Deals of MetaTrader 5, as the manager or a script exports them: trades, their commission, deposits."""

from collections.abc import Mapping as Dictionary

from conversions.sources.base import Event, FileSource, Read
from conversions.sources.documents import plain
from conversions.sources.errors import Unreadable
from conversions.sources.numbers import number
from records.translation import gettext_lazy as _

TRADES = frozenset({"buy", "sell"})
CLOSING, OPENING = frozenset({"out", "out by", "out_by", "in/out", "inout"}), frozenset({"in"})


class MetaTrader5(FileSource):
    code, title = "mt5", "MetaTrader 5 (deals)"
    words = {
        "trade": _("A position was closed: its volume in lots, and the commission as revenue"),
        "opening": _("A position was opened: the commission as revenue, without volume"),
        "deposit": _("A balance operation above zero"),
    }
    header = frozenset({"deal", "type"})
    steps = (
        _("Export the deals with their login as CSV: the manager's list of deals, or a script with FileWrite."),
        _("Choose the server's time zone here: MetaTrader writes its server's time, without an offset."),
        _("Import the file among the postbacks, with this source as the form of its columns."),
    )
    reads = {
        "txid": "`Deal`",
        "customer_id": "`Login`",
        "timestamp": "`Time`, in the time zone of the server",
        "volume": "`Volume` in lots, of deals with the direction `out`, `out by` or `in/out`",
        "revenue": "`Commission` and `Fee`, which the file shows as negative numbers; of balance operations `Profit`",
        "currency": "`Currency`; without it the offer's",
    }
    tests = "nothing: leave demo accounts out of the export"
    guesses = (
        "Not verified against a live server. UTF-16 and UTF-8, commas, semicolons and tabs are read; numbers may have "
        "spaces between their digits. Swap and profit of trades, withdrawals and credit operations are not counted. "
        "Volume must be in lots, not in the server's own unit."
    )

    def rows(self, row: Dictionary[str, str]) -> Read:
        deal, kind = row.get("deal", ""), _word(row.get("type", ""))
        if not deal.isdigit():
            return Read(why_not="It is no deal.")
        if kind == "balance":
            return _balance(row, deal)
        if kind not in TRADES:
            return Read(why_not=f"{kind or 'a deal without a type'} is not counted.")
        entry = _word(row.get("direction") or row.get("entry", ""))
        if entry in CLOSING:
            volume = number(row.get("volume", ""), name="volume")
            return Read([_event("trade", row, deal, revenue=_earned(row), volume=plain(volume))])
        if entry in OPENING:
            return Read([_event("opening", row, deal, revenue=_earned(row))])
        raise Unreadable("The column Direction (or Entry) says neither in nor out.")


def _word(text: str) -> str:
    """`DEAL_ENTRY_OUT_BY`, as scripts write it, is `out_by`."""
    return text.strip().lower().removeprefix("deal_").removeprefix("type_").removeprefix("entry_")


def _earned(row: Dictionary[str, str]) -> str:
    """What the trader paid; the file shows it as what the account lost."""
    paid = -(number(row.get("commission", ""), name="commission") + number(row.get("fee", ""), name="fee"))
    return plain(paid) if paid > 0 else "0"


def _balance(row: Dictionary[str, str], deal: str) -> Read:
    amount = number(row.get("profit") or row.get("amount", ""), name="profit")
    if amount <= 0:
        return Read(why_not="A withdrawal is not counted.")
    return Read([_event("deposit", row, deal, revenue=plain(amount))])


def _event(word: str, row: Dictionary[str, str], deal: str, **amounts: str) -> Event:
    login = row.get("login", "")
    if not login:
        raise Unreadable("The file has no column Login: export the deals with the trader's login.")
    day, _, rest = row.get("time", "").partition(" ")
    at = f"{day.replace('.', '-')} {rest}".strip()
    values = {"txid": deal, "customer_id": login, "timestamp": at, "currency": row.get("currency", "").upper()}
    return Event(word, {**values, **amounts})


SOURCE = MetaTrader5
