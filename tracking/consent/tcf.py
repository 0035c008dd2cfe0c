"""The consent string of the IAB Transparency and Consent Framework, version 2, as far as a click needs it.

The fields and their lengths are those of the framework's technical specification ("Consent string and vendor list
formats v2"). Read are the date, the consent platform and the purposes; of the vendors only whether their part is
complete. The packages for it on PyPI have had no release for years, and this is a page.
"""

import base64
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

LONGEST = 4096
_FORM = re.compile(r"([A-Za-z0-9_-]+)((?:\.[A-Za-z0-9_-]+)*)=*")
PURPOSES = 24
# Bits before the lists of vendors, and of a vendor's ID.
_HEAD, _ID = 213, 16


class NoConsentString(ValueError):
    """The text is no consent string of version 2; the message says why."""


@dataclass(frozen=True, slots=True)
class ConsentString:
    """Purposes by number: those that the visitor consented to, and those that rest on a legitimate interest."""

    updated_on: date
    platform: int
    consents: frozenset[int]
    interests: frozenset[int]


def decode(text: str) -> ConsentString:
    """Read a consent string; raise `NoConsentString`."""
    if len(text) > LONGEST:
        raise NoConsentString(f"it is longer than {LONGEST} characters")
    found = _FORM.fullmatch(text)
    if not found:
        raise NoConsentString("it has characters that no consent string has")
    core = found[1]
    bits = _Bits(core)
    if bits.take(6) != 2:
        raise NoConsentString("its version is not 2")
    bits.skip(36)
    updated = bits.take(36)
    platform = bits.take(12)
    bits.skip(12 + 6 + 12 + 12 + 6 + 1 + 1 + 12)
    consents, interests = _numbers(bits.take(PURPOSES)), _numbers(bits.take(PURPOSES))
    bits.skip(1 + 12)
    _check_vendors(bits)
    _check_vendors(bits)
    bits.skip(12)
    return ConsentString(datetime.fromtimestamp(updated // 10, UTC).date(), platform, consents, interests)


def _numbers(bits: int) -> frozenset[int]:
    """The numbers of the bits that are set, of which the first is 1."""
    return frozenset(number for number in range(1, PURPOSES + 1) if bits >> (PURPOSES - number) & 1)


def _check_vendors(bits: "_Bits") -> None:
    """Pass over a list of vendors, so that a string that was cut in it is noticed."""
    most, is_range = bits.take(_ID), bits.take(1)
    if not is_range:
        bits.skip(most)
        return
    for _ in range(bits.take(12)):
        bits.skip(2 * _ID if bits.take(1) else _ID)


class _Bits:
    """The bits of a text in base64, taken one field after the other."""

    def __init__(self, text: str) -> None:
        try:
            data = base64.urlsafe_b64decode(text + "A" * (-len(text) % 4))
        except ValueError as error:
            raise NoConsentString("it is not base64") from error
        self._value, self._length, self._place = int.from_bytes(data), len(data) * 8, 0
        self._end = len(text) * 6

    def take(self, count: int) -> int:
        self.skip(count)
        return self._value >> (self._length - self._place) & ((1 << count) - 1)

    def skip(self, count: int) -> None:
        self._place += count
        if self._place > self._end:
            raise NoConsentString("it is cut off")
