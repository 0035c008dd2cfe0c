"""Daily feeds of players' activity, a row for each player and day, as operators send them to MyAffiliates."""

from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from decimal import Decimal

from conversions.sources.base import Event, FileSource, Read
from conversions.sources.documents import plain
from conversions.sources.errors import Unreadable
from conversions.sources.numbers import number
from records.translation import gettext_lazy as _

PLAYER = ("player_id", "playerid", "customer_id", "customerid", "account_id", "member_id")
DAY = ("activity_date", "transaction_date", "date", "day")
CLICK = ("click_id", "btag", "token", "tracking_code")
REGISTERED = ("registration_date", "reg_date", "signup_date")
FIRST_DEPOSIT = ("first_deposit", "first_deposit_amount", "ftd_amount")
DEPOSITS = ("deposits", "deposit", "deposit_amount", "total_deposits")
NET = ("net_revenue", "ngr", "net_gaming_revenue")
GROSS = ("gross_revenue", "ggr", "gross_gaming_revenue")
DEDUCTED = {
    "chargebacks": ("chargebacks", "chargeback", "chargeback_amount"),
    "bonus": ("bonus", "bonuses", "bonus_amount"),
    "fees": ("fees", "fee"),
    "tax": ("tax", "taxes", "duty"),
}


class DailyActivity(FileSource):
    code, title = "daily_activity", "MyAffiliates (daily activity)"
    words = {
        "registration": _("A player registered: a row with the day of the registration"),
        "ftd": _("A player's first deposit"),
        "deposit": _("The deposits of a player on a day"),
        "net_revenue": _("The net revenue of a player on a day"),
    }
    header = frozenset[str]()
    steps = (
        _("Send or export the feed as CSV: a row for each player and day, with the columns listed below."),
        _("Let the row of the registration have the click ID, as click_id or btag: it finds the affiliate."),
        _("Import each day's file among the postbacks, with this source as the form of its columns."),
    )
    reads = {
        "customer_id": ", ".join(f"`{name}`" for name in PLAYER),
        "timestamp": ", ".join(f"`{name}`" for name in (*DAY, *REGISTERED)),
        "click_id": ", ".join(f"`{name}`" for name in CLICK),
        "txid": "the player and the day",
        "revenue": ", ".join(f"`{name}`" for name in (*NET, *GROSS, *DEPOSITS, *FIRST_DEPOSIT)),
        "chargebacks": "`chargebacks`, deducted where the revenue is a gross one; likewise `bonus`, `fees` and `tax`",
        "currency": "`currency`; without it the offer's",
    }
    tests = "nothing: leave test players out of the feed"
    guesses = (
        "Not verified against a live feed: operators choose their own columns, and the names here are the usual ones. "
        "A net revenue below zero is the player's win of the day. Other names need a mapping."
    )

    def rows(self, row: Dictionary[str, str]) -> Read:
        if not (player := _first(row, PLAYER)):
            raise Unreadable(f"No column names the player: {', '.join(PLAYER)}.")
        return Read([*_events(row, player)], why_not="The row has no activity.")


def _first(row: Dictionary[str, str], names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := row.get(name, "").strip())), "")


def _amount(row: Dictionary[str, str], names: tuple[str, ...]) -> Decimal:
    return number(_first(row, names), name=names[0])


def _events(row: Dictionary[str, str], player: str) -> Iterator[Event]:
    common = {
        "customer_id": player,
        "click_id": _first(row, CLICK),
        "currency": _first(row, ("currency", "currency_code")).upper(),
    }
    if registered := _first(row, REGISTERED):
        yield Event("registration", {**common, "txid": player, "timestamp": registered})
    on = {**common, "txid": f"{player}-{_first(row, DAY)}", "timestamp": _first(row, DAY)}
    for word, names in (("ftd", FIRST_DEPOSIT), ("deposit", DEPOSITS)):
        if (amount := _amount(row, names)) > 0:
            yield Event(word, {**_dated(on), "revenue": plain(amount)})
    yield from _revenue(row, on)


def _revenue(row: Dictionary[str, str], on: dict[str, str]) -> Iterator[Event]:
    """The day's revenue: as it is where it is net, else with its deductions."""
    is_net = bool(_first(row, NET))
    earned = _amount(row, NET if is_net else GROSS)
    deducted = {} if is_net else {name: abs(_amount(row, names)) for name, names in DEDUCTED.items()}
    if -earned > 0:
        deducted["winnings"] = -earned
    amounts = {name: plain(amount) for name, amount in deducted.items() if amount}
    if earned or amounts:
        yield Event("net_revenue", {**_dated(on), "revenue": plain(max(earned, Decimal(0))), **amounts})


def _dated(on: dict[str, str]) -> dict[str, str]:
    if not on["timestamp"]:
        raise Unreadable(f"No column names the day: {', '.join(DAY)}.")
    return on


SOURCE = DailyActivity
