"""VAT numbers: form and check digits, as far as a country has them. No network request is made."""

import re

from django.utils.translation import gettext
from stdnum import get_cc_module
from stdnum.ch import vat as swiss
from stdnum.eu import vat as european
from stdnum.exceptions import ValidationError as InvalidNumber
from stdnum.gb import vat as british
from stdnum.no import mva as norwegian

from payouts.invoicing.countries import EU

# Greece's numbers begin otherwise than its country code.
PREFIXES = {"GR": "EL"}


def vat_number(text: str, country: str) -> str:
    """The number, tidied, with the letters of its country. Raise `ValueError` when it cannot be one of that country.

    Numbers of the EU, the United Kingdom, Switzerland and Norway are checked by their own rules, those of other
    countries by theirs where they are known, else only for letters and digits.
    """
    compact = re.sub(r"[\s./_-]", "", text).upper()
    letters = PREFIXES.get(country, country)
    try:
        return _checked(compact, country, letters)
    except InvalidNumber:
        raise ValueError(
            gettext(
                "This is no VAT number of {country}: letters, length or check digits do not fit. Copy it from your tax "
                "office's letter; it begins with {letters}."
            ).format(country=country, letters=letters if country != "CH" else "CHE")
        ) from None


def _checked(compact: str, country: str, letters: str) -> str:
    if country in EU:
        whole = compact if compact.startswith(letters) else letters + compact.removeprefix(country)
        return str(european.validate(whole))
    if country == "GB":
        return f"GB{british.validate(compact.removeprefix('GB'))}"
    if country == "CH":
        return str(swiss.validate(compact if compact.startswith("CHE") else f"CHE{compact}"))
    if country == "NO":
        bare = compact.removeprefix("NO").removesuffix("MVA")
        return f"NO{norwegian.validate(f'{bare}MVA')}"
    known = get_cc_module(country.lower(), "vat")
    if known:
        return str(known.validate(compact))
    if not re.fullmatch(r"[A-Z0-9]{4,20}", compact):
        raise InvalidNumber()
    return compact
