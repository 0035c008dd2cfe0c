"""A platform in whose form postbacks are accepted, and how its names are written down in one row of `table.py`."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field

from conversions.dialects.answers import Answers, native_answer
from conversions.dialects.mapping import NATIVE, Mapping

APPROVED, PENDING, REJECTED = "approved", "pending", "rejected"
WORDS = {"approved": APPROVED, "pending": PENDING, "rejected": REJECTED, "declined": REJECTED, "cancelled": REJECTED}
# Every platform's: our own `status` is read at each address, too.
SPOKEN = {**WORDS, "hold": PENDING, "trash": REJECTED, "canceled": REJECTED}


@dataclass(frozen=True, slots=True)
class Dialect:
    """A platform: how its requests are read, at which addresses, and how they are answered.

    `paths` and `forms` are its own addresses, served beside `/d/<name>/...`; `pixels` those that answer with an image.
    `sample` is a request in its form, with {click}, {token} and {goal}. A dialect that an operator defined (`own.py`)
    may belong to one advertiser alone, and may be switched off.
    """

    title: str
    mapping: Mapping
    sample: str
    paths: tuple[str, ...] = ()
    # Own addresses with variable parts: {token} is the advertiser's token, any other part is free.
    forms: tuple[str, ...] = ()
    pixels: tuple[str, ...] = ()
    answers: Answers = native_answer
    guesses: str = ""
    sample_body: Dictionary[str, str] = field(default_factory=dict)
    advertiser_id: int | None = None
    is_active: bool = True
    # The parameter and its value that request an image as the answer.
    image_when: tuple[str, str] | None = ("f", "img")

    @property
    def name(self) -> str:
        return self.mapping.name

    @property
    def tokens(self) -> tuple[str, ...]:
        return self.mapping.tokens


def reading(
    name: str,
    *,
    click: str = "",
    txid: str = "",
    event: str = "",
    revenue: str = "",
    payout: str = "",
    currency: str = "",
    status: str = "",
    customer: str = "",
    coupon: str = "",
    time: str = "",
    **options: object,
) -> Mapping:
    """A mapping from names separated by spaces; our own names are read after the platform's."""
    theirs = {
        "click_id": click, "txid": txid, "event_type": event, "payout": payout, "revenue": revenue,
        "currency": currency, "status": status, "timestamp": time, "customer_id": customer, "coupon": coupon,
    }  # fmt: skip
    # Elsewhere `transaction_id` may be the click and `payout` the revenue: then they are not read as our own names.
    taken = {each.lower() for names in theirs.values() for each in names.split()}
    fields = {
        ours: (*names.split(), *(each for each in NATIVE.fields[ours] if each not in taken))
        for ours, names in theirs.items()
    }
    given = {"statuses": SPOKEN, **options}
    return Mapping(name=name, fields={ours: names for ours, names in fields.items() if names}, **given)  # type: ignore[arg-type]
