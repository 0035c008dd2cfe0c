"""The interface of a risk signal: its parts, inputs and result. Nothing here reads or writes the database."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from django.db import models

from affiliates.models import Offer
from records.translation import gettext_lazy as _

T = TypeVar("T", int, Decimal, timedelta)
# No signal counts further than this for one conversion.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class ClickMarks:
    """The marks of a stored click, and where it came from."""

    is_bot: bool = False
    is_duplicate: bool = False
    is_data_centre: bool = False
    country: str = ""
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A conversion as signals see it; `click` is None if no click is credited or its row is not stored."""

    offer: Offer
    goal_id: int
    affiliate_id: int
    occurred_at: datetime
    received_at: datetime
    click: ClickMarks | None = None
    click_id: Any = None
    clicked_at: datetime | None = None
    customer: str = ""
    customer_pk: int | None = None
    country: str = ""


class Counted(NamedTuple):
    """The results of a signal's `counts` and `affiliate_counts`, in their order."""

    values: tuple[int, ...] = ()
    # Conversions of the same affiliate in the batch so far, including this one: they are not stored yet.
    in_batch: int = 1


class Evidence(NamedTuple):
    """Why a signal was found, in words for operators, and the values that are stored with it."""

    note: str
    values: tuple[str, ...] = ()


class SignalGroup(models.TextChoices):
    CLICK = "click", _("Signals of the click")
    PACE = "pace", _("Signals of customers and pace")


class Setting(Generic[T]):
    """A limit that operators set for each offer: a column of the risk policy, named as the attribute.

    In `counts` and `affiliate_counts` it is a column of the same name.
    """

    name: str

    def __init__(self, field: "models.Field[Any, Any]") -> None:
        self.field = field

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def of(self, policy: object) -> T:
        value: T = getattr(policy, self.name)
        return value


class Signal(ABC):
    """A risk signal; each is one file of this package and one entry of `table.py`.

    `counts` are SQL expressions over `ask`, a row for each conversion with the columns position, offer, digest (of the
    click's address), customer, customer_pk, click, goal, affiliate and at; `affiliate_counts` over `wide`, a row for
    each affiliate with affiliate, at and most. Each yields one whole number. All signals' expressions are one statement
    for a whole batch, so none may be read row by row. `notes` is an INSERT over `ask` in that statement.
    """

    # Also the name of the column that holds its points.
    code: ClassVar[str]
    title: ClassVar[str]
    points: ClassVar[int]
    group: ClassVar[SignalGroup]
    # The help text of its points.
    found_when: ClassVar[str]
    # The text for affiliates: neither points nor limits, which would show how to stay just below them.
    to_affiliates: ClassVar[str]
    # Names of the values that are stored as evidence.
    evidence: ClassVar[tuple[str, ...]]
    counts: ClassVar[tuple[str, ...]] = ()
    affiliate_counts: ClassVar[tuple[str, ...]] = ()
    notes: ClassVar[str] = ""

    @abstractmethod
    def find(self, suspect: Suspect, counted: Counted, policy: object) -> Evidence | None:
        """Return the evidence against the conversion by the offer's policy, or None."""

    @cached_property
    def settings(self) -> Mapping[str, "Setting[Any]"]:
        """Its limits by name, in the order they are written."""
        return {name: value for name, value in vars(type(self)).items() if isinstance(value, Setting)}
