"""Standard VAT rates by country and day: a bundled table, and the rates that operators entered to override it.

The table has the 27 members of the EU, the United Kingdom, Switzerland and Norway, from 2018 on; sources are the
European Commission's "VAT rates applied in the Member States" and the tax offices of the other three. A rate that
changes later is entered in the panel under Money, VAT rates; an entry there goes before the table from its day on.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from payouts.models import VatRate


class BundledRate(NamedTuple):
    """A country's standard rate and the day from which it holds."""

    percent: Decimal
    since: date


# Country, then rates with their first day, the oldest first. Days before 2018 say no more than "already then".
_TABLE = """
AT 20 2018-01-01
BE 21 2018-01-01
BG 20 2018-01-01
CH 7.7 2018-01-01 8.1 2024-01-01
CY 19 2018-01-01
CZ 21 2018-01-01
DE 19 2018-01-01 16 2020-07-01 19 2021-01-01
DK 25 2018-01-01
EE 20 2018-01-01 22 2024-01-01 24 2025-07-01
ES 21 2018-01-01
FI 24 2018-01-01 25.5 2024-09-01
FR 20 2018-01-01
GB 20 2018-01-01
GR 24 2018-01-01
HR 25 2018-01-01
HU 27 2018-01-01
IE 23 2018-01-01 21 2020-09-01 23 2021-03-01
IT 22 2018-01-01
LT 21 2018-01-01
LU 17 2018-01-01 16 2023-01-01 17 2024-01-01
LV 21 2018-01-01
MT 18 2018-01-01
NL 21 2018-01-01
NO 25 2018-01-01
PL 23 2018-01-01
PT 23 2018-01-01
RO 19 2018-01-01 21 2025-08-01
SE 25 2018-01-01
SI 22 2018-01-01
SK 20 2018-01-01 23 2025-01-01
"""


def _read(table: str) -> dict[str, list[BundledRate]]:
    found = {}
    for line in table.split("\n"):
        country, *rest = line.split() or [""]
        if country:
            pairs = zip(rest[::2], rest[1::2], strict=True)
            found[country] = [BundledRate(Decimal(percent), date.fromisoformat(day)) for percent, day in pairs]
    return found


BUNDLED: Mapping[str, Sequence[BundledRate]] = _read(_TABLE)


class RateBook:
    """The current rates, read in one query."""

    def __init__(self) -> None:
        self._entered: dict[str, list[BundledRate]] = defaultdict(list)
        rows = VatRate.objects.order_by("valid_from").values_list("country", "percent", "valid_from")
        for country, percent, valid_from in rows:
            self._entered[country].append(BundledRate(percent, valid_from))

    def of(self, country: str, day: date) -> BundledRate | None:
        """The rate of that day: the newest of those that hold by then, an entered one before one of the table."""
        both = [*self._entered.get(country, ()), *BUNDLED.get(country, ())]
        return max((rate for rate in both if rate.since <= day), key=lambda rate: rate.since, default=None)
