"""Where an affiliate wants its money: checked when it is entered, encrypted at rest, never changed but replaced.

Details by kind (all texts):

====== ==========================================================================================
sepa   `holder`, `iban` (checked), `bic` (checked; optional within the European Economic Area)
wire   `holder`, `account` (an IBAN or the bank's own number), `bic` (checked), `bank`, `country`
paypal `email`
wise   `holder`, `email`
crypto `asset` (BTC, ETH, USDT, USDC, LTC, TRX), `network`, `address` (checked as far as it can be)
====== ==========================================================================================
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext
from stdnum import bic, bitcoin, iban
from stdnum.exceptions import InvalidFormat
from stdnum.exceptions import ValidationError as InvalidNumber
from text_unidecode import unidecode

from affiliates.models import Affiliate, User
from payouts.models import PayoutMethod
from records.secrets import decrypt, encrypt

Kind = PayoutMethod.Kind
Details = dict[str, str]

FIELDS: dict[str, tuple[str, ...]] = {
    Kind.SEPA: ("holder", "iban", "bic"),
    Kind.WIRE: ("holder", "account", "bic", "bank", "country"),
    Kind.PAYPAL: ("email",),
    Kind.WISE: ("holder", "email"),
    Kind.CRYPTO: ("asset", "network", "address"),
}
OPTIONAL = {(Kind.SEPA, "bic")}
# The countries of the single euro payments area: an IBAN of another one needs a wire.
SEPA_COUNTRIES = frozenset(
    ["AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR", "HR"]
    + ["HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL", "PT", "RO"]
    + ["RS", "SE", "SI", "SK", "SM", "VA"]
)
# Outside the European Economic Area the IBAN alone is not enough.
BIC_NEEDED = frozenset(["AD", "AL", "CH", "GB", "GI", "MC", "MD", "ME", "MK", "RS", "SM", "VA"])
NETWORKS: dict[str, tuple[str, ...]] = {
    "BTC": ("bitcoin",),
    "LTC": ("litecoin",),
    "ETH": ("ethereum",),
    "TRX": ("tron",),
    "USDT": ("tron", "ethereum"),
    "USDC": ("ethereum",),
}
LITECOIN = re.compile(r"^(ltc1[02-9ac-hj-np-z]{38,60}|[LM3][1-9A-HJ-NP-Za-km-z]{26,34})$")
# No 0 or 1 as the first sign of the place, no letter O as the second.
BIC = re.compile(r"^[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3})?$")
ETHEREUM = re.compile(r"^0x[0-9a-fA-F]{40}$")
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class DetailsRefused(ValueError):
    """The details are invalid; nothing was stored. `problems` has a sentence for each field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


def set_method(
    *, affiliate: Affiliate, kind: str, details: Mapping[str, str], actor: User | None, now: datetime
) -> PayoutMethod:
    """Put a payout method into force and mark the previous one as replaced. Raise `DetailsRefused` with every problem.

    Payouts that are in a batch already keep the method that the batch was made with.
    """
    clean = check(kind, details)
    with transaction.atomic():
        Affiliate.objects.select_for_update().get(pk=affiliate.pk)
        PayoutMethod.objects.filter(affiliate=affiliate, replaced_at=None).update(replaced_at=now)
        return PayoutMethod.objects.create(
            affiliate=affiliate,
            kind=kind,
            encrypted=encrypt(json.dumps(clean)),
            hint=_hint(kind, clean),
            created_at=now,
            created_by=actor,
        )


def details_of(method: PayoutMethod) -> Details:
    """The details as they were entered, checked and tidied."""
    return dict(json.loads(decrypt(method.encrypted)))


def check(kind: str, details: Mapping[str, str]) -> Details:
    """The normalised details. Raise `DetailsRefused` for missing or invalid ones."""
    given = {name: " ".join(details.get(name, "").split()) for name in FIELDS[kind]}
    problems = {
        name: gettext("This is needed.")
        for name, value in given.items()
        if not value and (Kind(kind), name) not in OPTIONAL
    }
    for name, value in given.items():
        if not value or name in problems:
            continue
        try:
            given[name] = _checks(kind, given).get(name, _plain)(value)
        except (InvalidNumber, ValidationError, ValueError) as error:
            problems[name] = str(getattr(error, "message", error))
    if kind == Kind.SEPA and not given["bic"] and given["iban"][:2] in BIC_NEEDED and not problems:
        problems["bic"] = gettext("Banks ask for the BIC of an account in {given}.").format(given=given["iban"][:2])
    if problems:
        raise DetailsRefused(problems)
    return given


def _checks(kind: str, given: Details) -> dict[str, Callable[[str], str]]:
    if kind == Kind.SEPA:
        return {"holder": _holder, "iban": _sepa_iban, "bic": _bic}
    if kind == Kind.WIRE:
        return {"holder": _holder, "account": _account, "bic": _bic, "country": _country}
    if kind in (Kind.PAYPAL, Kind.WISE):
        return {"holder": _holder, "email": _email}
    return {"asset": _asset, "network": lambda v: _network(v, given), "address": lambda v: _address(v, given)}


def _plain(value: str) -> str:
    if len(value) > 120 or not value.isprintable():
        raise ValueError(gettext("At most 120 characters on one line."))
    return value


def latin(text: str) -> str:
    """The text in the characters that banks accept: Latin letters, digits and a few signs; others are left out."""
    return " ".join(re.sub(r"[^A-Za-z0-9/?:().,'+ -]", " ", unidecode(text)).split())


def _holder(value: str) -> str:
    """Refuse what no bank could write: one name must never stop the file that others are in."""
    _plain(value)
    if len(value) > 70 or len(latin(value)) > 70:
        raise ValueError(gettext("Banks take names of at most 70 characters, in Latin letters."))
    if any(unicodedata.category(character) in ("So", "Sk", "Cs", "Co", "Cn", "Cc", "Cf") for character in value):
        raise ValueError(gettext("Write the name without emoji and signs, as it stands at your bank."))
    if not re.search(r"[A-Za-z]", latin(value)):
        raise ValueError(gettext("Write the name in Latin letters, as it stands at your bank."))
    return value


def _iban(value: str) -> str:
    try:
        return str(iban.validate(value))
    except InvalidNumber:
        raise ValueError(
            gettext("This is no IBAN: check digits or length do not fit. Copy it from your bank.")
        ) from None


def _sepa_iban(value: str) -> str:
    number = _iban(value)
    if number[:2] not in SEPA_COUNTRIES:
        raise ValueError(
            gettext("An account in {number} cannot be reached by SEPA: choose wire transfer.").format(number=number[:2])
        )
    return number


def _account(value: str) -> str:
    compact = value.replace(" ", "").upper()
    if re.match(r"^[A-Z]{2}[0-9]{2}", compact):
        return _iban(compact)
    if not re.match(r"^[0-9A-Z/-]{4,34}$", compact):
        raise ValueError(gettext("An account number has 4 to 34 letters and digits."))
    return compact


def _bic(value: str) -> str:
    try:
        return bank_code(value)
    except InvalidNumber:
        raise ValueError(
            gettext("This is no BIC (SWIFT code): it has 8 or 11 letters and digits, such as DEUTDEFF.")
        ) from None


def bank_code(value: str) -> str:
    """A BIC in the form that every version of the banks' messages accepts. Raise `InvalidNumber` for an invalid one."""
    number = str(bic.validate(value))
    if not BIC.match(number):
        raise InvalidFormat
    return number


def _country(value: str) -> str:
    if not re.match(r"^[A-Za-z]{2}$", value):
        raise ValueError(gettext("Give the bank's country as two letters, such as GB."))
    return value.upper()


def _email(value: str) -> str:
    validate_email(_plain(value))
    if value[0] in "=+-@'":
        raise ValueError(gettext("Payment files cannot hold an address that begins with this sign: use another one."))
    return value


def _asset(value: str) -> str:
    if value.upper() not in NETWORKS:
        raise ValueError(gettext("Choose one of {names}.").format(names=", ".join(NETWORKS)))
    return value.upper()


def _network(value: str, given: Details) -> str:
    known = NETWORKS.get(given["asset"].upper(), ())
    if value.lower() not in known:
        raise ValueError(
            gettext("Choose one of {names}: elsewhere it would be lost.").format(
                names=", ".join(known) or gettext("the networks of the asset")
            )
        )
    return value.lower()


def _address(value: str, given: Details) -> str:
    network = given["network"].lower()
    if network == "bitcoin":
        fits = bitcoin.is_valid(value)
    elif network == "tron":
        fits = value.startswith("T") and _base58check(value)
    else:
        fits = bool({"ethereum": ETHEREUM, "litecoin": LITECOIN}.get(network, ETHEREUM).match(value))
    if not fits:
        raise ValueError(
            gettext("This is no {network} address: a character is missing or was changed.").format(
                network=network or "known"
            )
        )
    return value


def _base58check(text: str) -> bool:
    number = 0
    for character in text:
        place = BASE58.find(character)
        if place < 0:
            return False
        number = number * 58 + place
    if number >= 1 << 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _hint(kind: str, details: Details) -> str:
    text = details.get("iban") or details.get("account") or details.get("email") or details.get("address", "")
    if "@" in text:
        name, _, host = text.partition("@")
        return f"{name[:2]}…@{host}"[:60]
    asset = f"{details['asset']} " if kind == Kind.CRYPTO else ""
    return f"{asset}{text[:4]}…{text[-4:]}"
