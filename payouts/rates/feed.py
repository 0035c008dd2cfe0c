"""The daily rates of the European Central Bank, or of a file of its form, fetched over HTTP."""

import urllib.request
from datetime import date, timedelta
from http.client import HTTPException

from django.conf import settings

from payouts.models import ExchangeRate
from payouts.rates.daily import from_ecb, store

TIMEOUT = 20
# The whole history since 1999 has under a megabyte as a ZIP and about two as text.
LARGEST = 8 * 1024 * 1024
# The ECB publishes none on weekends and holidays: on the Tuesday after Easter the newest rates are of the Thursday
# before.
OLD_AFTER = timedelta(days=5)


class FeedUnavailable(Exception):
    """The file of rates could not be fetched; the message says from where and why. A later try may succeed."""


def fetch_rates() -> int:
    """Fetch `RATES_URL` and store new rates; return how many there were.

    Raise `FeedUnavailable` when it does not answer, `RatesRefused` or `UnicodeDecodeError` when its answer is not a
    file of rates. Nothing is fetched if the setting is empty.
    """
    if not settings.RATES_URL:
        return 0
    return store(from_ecb(_download(settings.RATES_URL)), source=ExchangeRate.Source.ECB, note=settings.RATES_URL[:250])


def _download(url: str) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise FeedUnavailable(f"RATES_URL must begin with https:// or http://; it is {url!r}.")
    request = urllib.request.Request(url, headers={"User-Agent": "Affidavit"})  # noqa: S310 (the scheme is checked)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 # nosec B310 # as above
            content: bytes = answer.read(LARGEST + 1)
    except (OSError, HTTPException) as error:
        raise FeedUnavailable(f"{url} gave no rates: {error}") from error
    if len(content) > LARGEST:
        raise FeedUnavailable(f"{url} sent more than {LARGEST:,} bytes; a file of rates is smaller.")
    return content


def too_old(*, today: date) -> date | None:
    """The day of the newest fetched rates when they are too old to exchange by, else None.

    An installation that never had any is left alone: it may do without a second currency.
    """
    newest = ExchangeRate.objects.filter(source=ExchangeRate.Source.ECB).order_by("-day").values_list("day", flat=True)
    day = newest.first()
    return day if day and today - day > OLD_AFTER else None
