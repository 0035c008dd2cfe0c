"""Countries for invoices: their codes, their membership of the EU's VAT area with dates, and their VAT currency."""

from datetime import date

from django.utils.translation import gettext

# ISO 3166-1 alpha-2.
_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA
GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS
MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS
RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW
TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_CODES.split())
USUAL_MISTAKES = {"UK": "GB", "EL": "GR"}

_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU = frozenset(_EU.split())
# The United Kingdom was treated as a member until the end of the transition period.
LEFT_EU = {"GB": date(2021, 1, 1)}

_EURO = "AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK"
# The currency and the first day on which it is the country's own; the newest first.
_CURRENCIES: dict[str, tuple[tuple[date, str], ...]] = {
    **dict.fromkeys(_EURO.split(), ((date.min, "EUR"),)),
    "HR": ((date(2023, 1, 1), "EUR"),),
    "BG": ((date(2026, 1, 1), "EUR"), (date.min, "BGN")),
    **{
        country: ((date.min, currency),)
        for country, currency in (
            ("CZ", "CZK"), ("DK", "DKK"), ("HU", "HUF"), ("PL", "PLN"), ("RO", "RON"), ("SE", "SEK"),
            ("GB", "GBP"), ("CH", "CHF"), ("NO", "NOK"),
        )
    },
}  # fmt: skip


def in_eu(country: str, day: date) -> bool:
    return country in EU or day < LEFT_EU.get(country, date.min)


def currency_of(country: str, day: date) -> str | None:
    """The country's currency for VAT; None for a country that is not in the table."""
    return next((currency for since, currency in _CURRENCIES.get(country, ()) if since <= day), None)


def country_code(text: str) -> str:
    """The code in capitals. Raise `ValueError` for an unknown country."""
    code = text.strip().upper()
    if code in USUAL_MISTAKES:
        raise ValueError(
            gettext("Write {usual_mistakes} instead of {code}.").format(usual_mistakes=USUAL_MISTAKES[code], code=code)
        )
    if code not in COUNTRIES:
        raise ValueError(gettext("Give the country as two letters, such as DE or GB."))
    return code
