"""Money: decimals with a currency, rounded once, to the currency's own places."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext

from records.translation import gettext_lazy as _

# Decimals by currency: those of ISO 4217, and the crypto currencies that programs pay in.
_BY_PLACES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY
        COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
        INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR
        MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD
        SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
    6: "USDT USDC",
    8: "BTC ETH LTC BCH SOL TRX XRP BNB DOGE",
}
PLACES: dict[str, int] = {code: number for number, codes in _BY_PLACES.items() for code in codes.split()}

# NUMERIC(24, 8): the range of an amount column, and so the largest accepted amount.
MAX_AMOUNT = Decimal("1e16")
# Enough digits for any product of an amount and a percentage, and for sums of them.
EXACTLY = 60


def places(currency: str) -> int:
    """The number of decimals of the currency: 2 for EUR, 0 for JPY, 3 for KWD, 8 for BTC."""
    return PLACES[currency]


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Round half up, away from zero at the half, to the currency's own places."""
    return amount.quantize(Decimal(1).scaleb(-places(currency)), rounding=ROUND_HALF_UP)


def split_money(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Share a rounded total by weights so that the parts add up to it exactly (largest remainder)."""
    whole = sum(weights)
    return _by_largest_remainder([total * weight / whole for weight in weights], total, currency)


def round_together(amounts: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Round exact amounts so that they add up to their sum, rounded (largest remainder). All have the same sign."""
    with localcontext(prec=EXACTLY):
        return _by_largest_remainder(amounts, round_money(sum(amounts, Decimal(0)), currency), currency)


def _by_largest_remainder(exact: Sequence[Decimal], total: Decimal, currency: str) -> list[Decimal]:
    """Give the units that are left over to the parts that lost most by rounding down, the first of equals."""
    unit = Decimal(1).scaleb(-places(currency))
    parts = [(share // unit) * unit for share in exact]
    left = int((total - sum(parts)) / unit)
    order = sorted(range(len(parts)), key=lambda i: (abs(parts[i] - exact[i]), -i), reverse=True)
    step = unit if left >= 0 else -unit
    for i in order[: abs(left)]:
        parts[i] += step
    return parts


def exact_money(amount: Decimal, currency: str) -> str:
    """The amount without its currency: with the currency's decimals, or with more where it has more."""
    exponent = amount.normalize().as_tuple().exponent
    return f"{amount:.{max(places(currency), -exponent if isinstance(exponent, int) else 0)}f}"


def format_money(amount: Decimal, currency: str) -> str:
    """`1,234.50 EUR`: grouped, with the currency's own places."""
    return f"{round_money(amount, currency):,.{places(currency)}f} {currency}"


class AmountField(models.DecimalField):  # type: ignore[type-arg]
    """An amount of money; its currency is in a field beside it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = 24, 8
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


class CurrencyField(models.CharField):  # type: ignore[type-arg]
    """An ISO 4217 or crypto currency code in capitals."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 5
        super().__init__(*args, **kwargs)
        self.validators.append(
            RegexValidator(r"^[A-Z]{3,5}$", _("A currency code has three to five capitals, such as EUR."))
        )

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"]
        return name, path, args, kwargs

    def validate(self, value: Any, model_instance: Any) -> None:
        super().validate(value, model_instance)
        if value and value not in PLACES:
            raise ValidationError(gettext("{value} is not a supported currency.").format(value=value))
