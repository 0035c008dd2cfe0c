"""Exported files of sources: rows in, events and answers out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from conversions.endpoints.csv_import import ImportedConversions, import_conversions
from conversions.models import Conversion, SourceConnection
from records.csv_files import FileRefused, read_table
from tests.conversions.sources.shops import Shop, new

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HEAD = ["Login", "Time", "Deal", "Symbol", "Type", "Direction", "Volume", "Commission", "Fee", "Swap", "Profit"]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def imported(row: SourceConnection, content: bytes, **fields: Any) -> ImportedConversions:
    given = {"advertiser": row.advertiser, "name": "deals.csv", "by": "Olga", "now": NOW, "mapping": row.public_id}
    return import_conversions(content, **{**given, **fields})


def as_mt5(*rows: list[str], head: list[str] = HEAD, above: str = "", mark: str = "\t") -> bytes:
    """Tabs and UTF-16 with its mark, as MetaTrader writes files."""
    lines = [mark.join(line) for line in (head, *rows)]
    return (above + "\r\n".join(lines) + "\r\n").encode("utf-16")


def deal(number: str, kind: str, entry: str = "", volume: str = "", commission: str = "", **more: str) -> list[str]:
    cells = {
        "Login": "70001", "Time": "2026.11.18 01:30:00", "Deal": number, "Symbol": "EURUSD", "Type": kind,
        "Direction": entry, "Volume": volume, "Commission": commission, **more,
    }  # fmt: skip
    return [cells.get(name, "") for name in HEAD]


@pytest.fixture
def traders(shop: Shop) -> SourceConnection:
    """Trader 70001 is Ana's, by the registration in a daily feed."""
    feed = shop.connect("daily_activity")
    clicked = shop.click(ago=datetime.now(UTC) - NOW + timedelta(days=3))
    text = f"player_id,registration_date,click_id\n70001,{NOW - timedelta(days=2):%Y-%m-%d},{clicked}\n"
    assert imported(feed, text.encode()).counts == {"accepted": 1}
    return shop.connect("mt5", time_zone="Europe/Athens", goals={"trade": "trade", "deposit": "deposit"})


class TestMetaTrader:
    def test_a_closed_position_is_a_trade_in_the_servers_time(self, shop: Shop, traders: SourceConnection) -> None:
        done = imported(traders, as_mt5(deal("501", "buy", "out", "1.25", "-7.50", Fee="-0.25")))
        assert done.counts == {"accepted": 1}
        row = Conversion.objects.get(transaction_id="501")
        assert (row.affiliate, row.goal.code, row.volume, row.revenue) == (
            shop.ana, "trade", Decimal("1.25"), Decimal("7.75"),
        )  # fmt: skip
        assert row.occurred_at == datetime(2026, 11, 17, 23, 30, tzinfo=UTC)

    def test_only_what_is_mapped_counts_and_every_row_is_answered(self, traders: SourceConnection) -> None:
        done = imported(
            traders,
            as_mt5(
                deal("1", "buy", "in", "1.00", "-3.50"),
                deal("2", "sell", "out", "1.00", "-3.50"),
                deal("3", "balance", Profit="1 234.56"),
                deal("4", "balance", Profit="-50.00"),
                deal("5", "credit", Profit="20.00"),
                deal("6", "DEAL_TYPE_BUY", "DEAL_ENTRY_OUT_BY", "0.10"),
                deal("", "", Profit="1 200.00"),
            ),
        )
        assert done.counts == {"accepted": 3, "ignored": 4}
        assert [answer.outcome for answer in done.answers] == [
            "ignored", "accepted", "accepted", "ignored", "ignored", "accepted", "ignored",
        ]  # fmt: skip
        assert Conversion.objects.get(transaction_id="3").revenue == Decimal("1234.56")

    def test_the_same_file_again_counts_nothing_twice(self, traders: SourceConnection) -> None:
        content = as_mt5(deal("7", "buy", "out", "1.00", "-3.00"))
        imported(traders, content)
        assert imported(traders, content).counts == {"duplicate": 1}

    @pytest.mark.parametrize("mark", [",", ";", "\t"])
    def test_a_title_above_the_header_is_skipped(self, traders: SourceConnection, mark: str) -> None:
        above = f"Deals report{mark}\r\n\r\nServer: Demo{mark}{mark}\r\n"
        content = as_mt5(deal("8", "buy", "out", "1.00", "-3.00"), above=above, mark=mark)
        done = imported(traders, content)
        assert done.counts == {"accepted": 1}
        assert done.answers[0].line == 5

    def test_a_file_without_the_header_is_refused_with_the_columns(self, traders: SourceConnection) -> None:
        with pytest.raises(FileRefused, match="No line names the columns deal, type"):
            imported(traders, b"a,b\n1,2\n")

    def test_a_file_without_logins_or_directions_says_so(self, traders: SourceConnection) -> None:
        for left_out, expected in (("Login", "no column Login"), ("Direction", "neither in nor out")):
            head = [name for name in HEAD if name != left_out]
            cells = dict(zip(HEAD, deal(new(), "buy", "out", "1.00"), strict=True))
            [answer] = imported(traders, as_mt5([cells[name] for name in head], head=head)).answers
            assert (answer.http_status, answer.reason) == (400, "unreadable")
            assert expected in answer.message

    def test_an_unknown_trader_is_no_affiliates(self, traders: SourceConnection) -> None:
        done = imported(traders, as_mt5(deal("9", "buy", "out", "1.00", Login="999")))
        assert [(each.http_status, each.reason) for each in done.answers] == [(200, "no_affiliate")]

    def test_a_dry_run_changes_nothing(self, traders: SourceConnection) -> None:
        done = imported(traders, as_mt5(deal("10", "buy", "out", "1.00")), dry=True)
        assert done.counts == {"accepted": 1}
        assert not Conversion.objects.filter(transaction_id="10").exists()

    def test_the_command_takes_it(self, traders: SourceConnection, tmp_path: Path) -> None:
        file = tmp_path / "deals.csv"
        file.write_bytes(as_mt5(deal("11", "buy", "out", "1.00")))
        call_command("import_conversions", str(file), advertiser=traders.advertiser.public_id, form=traders.public_id)
        assert Conversion.objects.filter(transaction_id="11").exists()


class TestDailyActivity:
    def test_a_row_has_each_of_its_events(self, shop: Shop) -> None:
        feed = shop.connect("daily_activity")
        clicked = shop.click(ago=datetime.now(UTC) - NOW + timedelta(days=3))
        text = (
            "Activity_Date;Player_ID;btag;registration_date;Currency;Deposits;Chargebacks;NGR\n"
            f"2026-11-18;p1;{clicked};2026-11-18;EUR;100,00;20,00;35,50\n"
            "2026-11-19;p1;;;EUR;0;;-12,25\n"
            "2026-11-19;p9;;;EUR;50,00;;10\n"
            "2026-11-19;p1;;;EUR;;;\n"
        )
        done = imported(feed, text.encode())
        assert done.counts == {"accepted": 4, "unknown_click": 2, "ignored": 1}
        assert done.words().startswith("4 rows:")
        found = {(row.goal.code, row.transaction_id): row for row in Conversion.objects.select_related("goal")}
        assert found["deposit", "p1-2026-11-18"].revenue == Decimal("100")
        day = found["net_revenue", "p1-2026-11-18"]
        assert (day.revenue, day.deductions) == (Decimal("35.5"), {})
        lost = found["net_revenue", "p1-2026-11-19"]
        assert (lost.revenue, lost.deductions) == (Decimal(0), {"winnings": "12.25"})

    def test_deductions_count_where_the_revenue_is_gross(self, shop: Shop) -> None:
        feed = shop.connect("daily_activity")
        clicked = shop.click(ago=datetime.now(UTC) - NOW + timedelta(days=3))
        text = f"day,player_id,click_id,ggr,chargebacks,bonus\n2026-11-18,p2,{clicked},80.00,15.00,-5.00\n"
        assert imported(feed, text.encode()).counts == {"accepted": 1}
        assert Conversion.objects.get().deductions == {"chargebacks": "15.00", "bonus": "5.00"}

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("day,ngr\n2026-11-18,5\n", "No column names the player"),
            ("player_id,ngr\np1,5\n", "No column names the day"),
            ("day,player_id,ngr\n2026-11-18,p1,1.2.3\n", "net_revenue=1.2.3"),
        ],
    )
    def test_what_is_missing_is_named(self, shop: Shop, text: str, expected: str) -> None:
        [answer] = imported(shop.connect("daily_activity"), text.encode()).answers
        assert (answer.http_status, answer.reason) == (400, "unreadable")
        assert expected in answer.message


def test_a_source_belongs_to_its_advertiser(shop: Shop) -> None:
    other, row = Shop("Elsewhere", coupon="OTHER"), shop.connect("daily_activity")
    text = b"day,player_id,ngr\n2026-11-18,p1,5\n"
    [answer] = imported(row, text, advertiser=other.advertiser).answers
    assert (answer.http_status, answer.reason) == (403, "anothers_mapping")


def test_a_table_starts_at_its_header_within_fifty_lines() -> None:
    assert read_table(b"x\n" * 49 + b"a,b\n1,2\n", having={"b"}).columns == ["a", "b"]
    with pytest.raises(FileRefused):
        read_table(b"x\n" * 50 + b"a,b\n1,2\n", having={"b"})
