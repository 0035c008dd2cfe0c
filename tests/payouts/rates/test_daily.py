"""Exchange rates by day: crossed over the euro, never older than a week, and a bad file stores nothing at all."""

from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from payouts.models import ExchangeRate
from payouts.rates import daily
from payouts.rates.daily import DayRate, NoRate, RatesOfDay, RatesRefused, from_ecb, from_list, rate, store

FRIDAY = date(2026, 10, 30)
Source = ExchangeRate.Source


def keep(day: date = FRIDAY, source: Source = Source.ECB, **rates: str) -> int:
    rows = [DayRate(day, currency, Decimal(value)) for currency, value in rates.items()]
    return store(rows, source=source)


def listed(text: str) -> list[DayRate]:
    return list(from_list(text.encode()))


@pytest.mark.django_db
class TestRate:
    def test_a_pair_is_crossed_over_the_euro(self) -> None:
        keep(USD="1.10", GBP="0.88")
        assert rate(base="USD", quote="GBP", day=FRIDAY) == (Decimal("0.8"), FRIDAY, "ecb")
        assert rate(base="EUR", quote="USD", day=FRIDAY).value == Decimal("1.1")
        assert rate(base="USD", quote="EUR", day=FRIDAY).value == Decimal("0.909090909091")

    def test_a_weekend_uses_the_day_before_it_and_says_so(self) -> None:
        keep(USD="1.10")
        assert rate(base="EUR", quote="USD", day=date(2026, 11, 1)).day == FRIDAY

    def test_a_week_old_is_taken_and_a_day_more_is_not(self) -> None:
        keep(USD="1.10")
        assert rate(base="EUR", quote="USD", day=date(2026, 11, 6)).value == Decimal("1.1")
        with pytest.raises(NoRate, match="no rate of USD for 2026-11-07 or the week before it"):
            rate(base="EUR", quote="USD", day=date(2026, 11, 7))

    def test_tomorrows_rate_is_not_used_today(self) -> None:
        keep(day=date(2026, 10, 31), USD="1.10")
        with pytest.raises(NoRate):
            rate(base="EUR", quote="USD", day=FRIDAY)

    def test_the_older_day_of_a_pair_is_named_and_both_sources(self) -> None:
        keep(USD="1.10")
        keep(day=date(2026, 10, 28), source=Source.FILE, BTC="0.00001")
        found = rate(base="BTC", quote="USD", day=FRIDAY)
        assert (found.value, found.day, found.source) == (110_000, date(2026, 10, 28), "file and ecb")

    def test_the_newest_row_of_a_day_is_in_force(self) -> None:
        keep(USD="1.10")
        keep(source=Source.FILE, USD="1.20")
        assert rate(base="EUR", quote="USD", day=FRIDAY).value == Decimal("1.2")

    def test_an_amount_is_rounded_once_to_the_places_of_its_new_currency(self) -> None:
        keep(USD="1.10", JPY="165.5", KWD="0.3356")
        rates = RatesOfDay(FRIDAY)
        assert rates.exchange(Decimal("10.01"), base="EUR", quote="JPY")[0] == 1657
        assert rates.exchange(Decimal("10.01"), base="EUR", quote="KWD")[0] == Decimal("3.359")
        assert rates.exchange(Decimal("-10.01"), base="EUR", quote="JPY")[0] == -1657

    def test_the_rates_of_a_day_are_read_in_one_query(self, django_assert_num_queries: Any) -> None:
        keep(USD="1.10", GBP="0.88")
        rates = RatesOfDay(FRIDAY)
        with django_assert_num_queries(1):
            for _ in range(5):
                rates.rate(base="USD", quote="GBP")

    def test_a_stored_rate_is_never_changed(self) -> None:
        keep(USD="1.10")
        with pytest.raises(Exception, match="pgtrigger|constraint"), transaction.atomic():
            ExchangeRate.objects.update(per_euro=2)
        with pytest.raises(IntegrityError), transaction.atomic():
            keep(GBP="-1")


@pytest.mark.django_db
class TestStore:
    def test_again_stores_nothing(self) -> None:
        assert [keep(USD="1.10", GBP="0.88") for _ in range(3)] == [2, 0, 0]

    def test_a_correction_is_a_row_of_its_own(self) -> None:
        keep(USD="1.10", GBP="0.88")
        assert keep(USD="1.11", GBP="0.88") == 1
        assert ExchangeRate.objects.filter(currency="USD").count() == 2

    def test_of_two_values_for_a_day_in_one_file_the_last_holds_however_often_it_is_read(self) -> None:
        twice = [DayRate(FRIDAY, "USD", Decimal(value)) for value in ("1.10", "1.20")]
        assert [store(twice, source=Source.FILE) for _ in range(3)] == [1, 0, 0]
        assert rate(base="EUR", quote="USD", day=FRIDAY).value == Decimal("1.2")

    def test_of_a_file_with_a_bad_line_nothing_is_stored_also_after_many_good_ones(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(daily, "CHUNK", 2)
        content = b"Date,USD\n2026-10-28,1.1\n2026-10-29,1.2\n2026-10-30,1.3\n2026-10-31,none\n"
        with pytest.raises(RatesRefused, match="Line 5"):
            store(from_ecb(content), source=Source.ECB)
        assert not ExchangeRate.objects.exists()


class TestFiles:
    def test_the_banks_columns_are_read_and_unknown_currencies_left_out(self) -> None:
        rows = list(from_ecb(b"Date,USD,CYP,BGN,\n2026-10-30,1.10,0.5,N/A,\n30 October 2026,1.2,,,\n"))
        assert rows == [DayRate(FRIDAY, "USD", Decimal("1.1")), DayRate(FRIDAY, "USD", Decimal("1.2"))]

    def test_a_list_is_read_in_any_order_of_its_columns(self) -> None:
        assert listed("per_euro,Day,CURRENCY\n0.00001,2026-10-30, btc \n") == [
            DayRate(FRIDAY, "BTC", Decimal("0.00001"))
        ]

    @pytest.mark.parametrize(
        "value", ["", "0", "-1", "NaN", "sNaN", "-NaN", "Infinity", "1e13", "1e400", "1,1", "one", "0.0000000000001"]
    )
    def test_what_is_no_rate_is_refused_by_its_line(self, value: str) -> None:
        with pytest.raises(RatesRefused, match="Line 3: .* is not a rate above zero"):
            listed(f'day,currency,per_euro\n2026-10-30,USD,1.1\n2026-10-30,BTC,"{value}"\n')

    @pytest.mark.parametrize("currency", ["", "EUR", "XXX", "US", "usd dollar", "x" * 300])
    def test_what_is_no_currency_is_refused_by_its_line(self, currency: str) -> None:
        with pytest.raises(RatesRefused, match="Line 2: .* is not a supported currency") as refused:
            listed(f"day,currency,per_euro\n2026-10-30,{currency},1\n")
        assert len(str(refused.value)) < 150

    @pytest.mark.parametrize("day", ["", "30.10.2026", "2026-02-30", "30 Octember 2026", "99 October 2026", "2026"])
    def test_what_is_no_day_is_refused_by_its_line(self, day: str) -> None:
        with pytest.raises(RatesRefused, match="Line 2: .* is not a day such as 2026-10-30"):
            listed(f"day,currency,per_euro\n{day},USD,1\n")

    @pytest.mark.parametrize("content", [b"", b"x", b"Currency,USD\n", b"PK\x03\x04broken"])
    def test_what_is_no_file_of_the_bank_is_refused(self, content: bytes) -> None:
        with pytest.raises(RatesRefused):
            list(from_ecb(content))

    @given(
        st.binary(max_size=60) | st.text(alphabet='dayecurnp_o,\n"0123456789-.EURUSDNa', max_size=80).map(str.encode)
    )
    def test_no_bytes_are_anything_but_rates_or_refused(self, content: bytes) -> None:
        for read in (from_ecb, from_list):
            try:
                rows = list(read(b"day,currency,per_euro\n" + content))
            except (RatesRefused, UnicodeDecodeError):
                continue
            assert all(0 < row.per_euro < Decimal("1e12") for row in rows)


@pytest.mark.django_db
class TestCommand:
    def run(self, *arguments: Any) -> str:
        out = StringIO()
        call_command("import_rates", *arguments, stdout=out)
        return out.getvalue()

    def test_a_list_is_kept_with_its_name_as_the_source(self, tmp_path: Path) -> None:
        file = tmp_path / "crypto.csv"
        file.write_text("day,currency,per_euro\n2026-10-30,BTC,0.00001\n2020-01-01,BTC,0.0001\n")
        assert "1 rates read, 1 new; the newest day is 2026-10-30." in self.run(str(file), "--since", "2026-01-01")
        row = ExchangeRate.objects.get()
        assert (row.currency, row.source, row.note) == ("BTC", "file", "crypto.csv")

    def test_the_banks_file_is_known_by_its_head(self, tmp_path: Path) -> None:
        file = tmp_path / "eurofxref.csv"
        file.write_text("Date,USD\n2026-10-30,1.1\n")
        assert "1 rates read, 1 new" in self.run(str(file))
        assert "1 rates read, 0 new" in self.run(str(file))
        assert ExchangeRate.objects.get().source == "ecb"

    @pytest.mark.parametrize("content", [b"day,currency,per_euro\n2026-10-30,BTC,NaN\n", b"\xff\xfe\x00", b"nothing"])
    def test_a_bad_file_is_refused_in_a_sentence_and_nothing_is_kept(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "bad.csv"
        file.write_bytes(content)
        with pytest.raises(CommandError):
            self.run(str(file))
        assert not ExchangeRate.objects.exists()

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"no-such\.csv"):
            self.run(str(tmp_path / "no-such.csv"))
