"""Read a text as a click ID, and, when it is not genuine, report which part fails as far as possible."""

import base64
import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tracking.click_id.codec import LENGTH, ClickID, keys, parse

ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_PLACEHOLDER = re.compile(r"[{}\[\]#$%]|click_?id", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ClickIDReading:
    """The parts of a text. The link and time of a forged ID are only claims."""

    text: str
    problem: str = ""
    key_number: int | None = None
    click: ClickID | None = None

    @property
    def is_genuine(self) -> bool:
        return not self.problem

    @property
    def made_at(self) -> datetime | None:
        try:
            return self.click.made_at if self.click else None
        except OverflowError:  # a forged time, later than any date
            return None


def read(text: str) -> ClickIDReading:
    """Read any text as a click ID."""
    if problem := form_problem(text):
        return ClickIDReading(text, problem)
    raw = base64.b32hexdecode(text.upper())
    number, click = raw[16], ClickID(UUID(bytes=raw[:16]))
    problem = "" if parse(text) else _signature_problem(number)
    return ClickIDReading(text, problem, number, click)


def form_problem(text: str) -> str:
    """The error of the text before its signature is checked."""
    wrong = [character for character in dict.fromkeys(text) if character.lower() not in ALPHABET or character > "z"]
    if _PLACEHOLDER.search(text) and wrong:
        return "Placeholder: the sending system did not put a click ID in its place."
    if _is_uuid(text):
        return "Length: this is a click's stored key (a UUID), which carries no signature."
    if len(text) != LENGTH:
        how = "it was cut off" if len(text) < LENGTH else "something was added to it"
        return f"Length: it has {len(text)} characters, a click ID has {LENGTH}; perhaps {how}."
    if wrong:
        shown = " ".join(repr(character) for character in wrong[:8])
        return f"Alphabet: {shown}. A click ID is made of 0 to 9 and a to v."
    return ""


def _signature_problem(number: int) -> str:
    known = ", ".join(str(each) for each in sorted(keys()))
    if number not in keys():
        return f"Key: it says that key {number} signed it, and CLICK_ID_KEYS has {known}. A retired key, or a forgery."
    return (
        f"Signature: it is not what key {number} gives. A character was changed, or key {number} had another secret "
        "when it was signed (another installation?), or it is a forgery."
    )


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
