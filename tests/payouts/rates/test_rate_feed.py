"""The day's exchange rates come over HTTP: kept once, asked for again, missed by the operator when they stay away."""

import io
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from celery.exceptions import Retry
from django.test import Client
from django.utils import timezone

from affiliates.models import User
from payouts.models import ExchangeRate
from payouts.rates import feed
from payouts.rates.daily import DayRate, RatesRefused, rate, store
from payouts.rates.feed import FeedUnavailable, fetch_rates
from payouts.tasks import fetch_exchange_rates

pytestmark = pytest.mark.django_db
DAILY = b"Date, USD, JPY, ISK, \n20 November 2026, 1.0850, 163.25, N/A, \n"


class Bank:
    """A server that stands for the ECB's; tests set what it answers."""

    def __init__(self) -> None:
        self.status, self.body, self.asked = 200, DAILY, 0
        bank = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bank.asked += 1
                self.send_response(bank.status)
                self.send_header("Content-Length", str(len(bank.body)))
                self.end_headers()
                self.wfile.write(bank.body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/eurofxref.zip"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def bank(settings: Any) -> Iterator[Bank]:
    found = Bank()
    settings.RATES_URL = found.url
    yield found
    found.server.shutdown()
    found.server.server_close()


def packed(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("eurofxref.csv", content)
    return file.getvalue()


def test_keeps_the_days_rates_once(bank: Bank) -> None:
    bank.body = packed(DAILY)
    assert (fetch_rates(), fetch_rates()) == (2, 0)
    found = rate(base="USD", quote="JPY", day=date(2026, 11, 21))
    assert found.value == Decimal("150.460829493088")
    assert set(ExchangeRate.objects.values_list("source", "note")) == {("ecb", bank.url)}


def test_a_corrected_day_is_a_newer_row(bank: Bank) -> None:
    fetch_rates()
    bank.body = DAILY.replace(b"1.0850", b"1.0900")
    assert fetch_rates() == 1
    assert rate(base="EUR", quote="USD", day=date(2026, 11, 20)).value == Decimal("1.09")
    assert ExchangeRate.objects.filter(currency="USD").count() == 2


@pytest.mark.parametrize("body", [b"<html>Sorry</html>", b"PK not a zip", packed(b""), b""])
def test_keeps_nothing_of_what_is_no_file_of_rates(bank: Bank, body: bytes) -> None:
    bank.body = body
    with pytest.raises(RatesRefused):
        fetch_rates()
    assert not ExchangeRate.objects.exists()


def test_refuses_a_zip_that_swells(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payouts.rates.daily.LARGEST", 10)
    bank.body = packed(DAILY)
    with pytest.raises(RatesRefused, match="is smaller"):
        fetch_rates()


def test_refuses_more_than_a_file_of_rates_can_be(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LARGEST", 10)
    with pytest.raises(FeedUnavailable, match="more than 10 bytes"):
        fetch_rates()


def test_asks_again_when_the_bank_does_not_answer(bank: Bank) -> None:
    bank.status = 503
    with pytest.raises(FeedUnavailable, match="503"):
        fetch_rates()
    with pytest.raises(Retry):
        fetch_exchange_rates.apply(throw=True)
    assert bank.asked == 2


def test_reads_no_local_file(settings: Any) -> None:
    settings.RATES_URL = "file:///etc/passwd"
    with pytest.raises(FeedUnavailable, match="must begin with"):
        fetch_rates()


def test_fetches_nothing_where_none_is_wanted(bank: Bank, settings: Any) -> None:
    settings.RATES_URL = ""
    assert (fetch_rates(), bank.asked) == (0, 0)


@pytest.mark.parametrize(("age", "text"), [(5, False), (6, True)])
def test_shows_the_operator_of_old_rates(olga: User, age: int, text: bool) -> None:
    day = timezone.localdate() - timedelta(days=age)
    store([DayRate(day, "USD", Decimal("1.08"))], source=ExchangeRate.Source.ECB)
    client = Client()
    client.force_login(olga)
    page = client.get("/admin/payouts/exchangerate/").content.decode()
    assert (f"European Central Bank are of {day:%Y-%m-%d}" in page) == text
