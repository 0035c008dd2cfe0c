"""Approve or reject many conversions at once, each by itself: a refused row does not affect the others."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from affiliates.models import User
from conversions.decisions.held import HeldConversions, held_of, held_words
from conversions.lifecycle.operator_decisions import APPROVALS, REJECTIONS
from conversions.lifecycle.status import change_status
from conversions.models import Conversion, StatusChange
from conversions.reasons.codes import Reason
from conversions.risk.reviews import close_reviews
from records.csv_files import FileRefused, read_table

Status = Conversion.Status
MOST = 10_000
# Conversions that are locked and changed in one transaction.
CHUNK = 1_000
CHANGED, UNCHANGED, REFUSED = "changed", "unchanged", "refused"
COLUMNS = ("id", "transaction_id", "advertiser", "goal", "status", "reason", "note", "include_held")
YES, NO = ("yes", "true", "1"), ("", "no", "false", "0")
LONGEST_NOTE = 250


@dataclass(frozen=True, slots=True)
class Wish:
    """The decision that a row requests, for the conversion with this `id`, or by transaction, advertiser and goal.

    A conversion on hold (`conversions.decisions.held`) is approved only with `include_held`.
    """

    status: str
    id: str = ""
    transaction_id: str = ""
    advertiser: str = ""
    goal: str = ""
    reason: str = ""
    note: str = ""
    include_held: bool = False


class BulkAnswer(NamedTuple):
    """The result of a row: `changed`, `unchanged` or `refused`, the conversion's ID if it was found, and the reason.

    `held` names what prevented its approval.
    """

    result: str
    id: str
    message: str
    held: tuple[HeldConversions, ...] = ()


class _Move(NamedTuple):
    to: Conversion.Status
    reason: Reason
    note: str


def decide_many(wishes: Sequence[Wish], *, actor: User, now: datetime, dry: bool = False) -> list[BulkAnswer]:
    """Approve and reject, chunk by chunk, each in one transaction; the answers have the order of the wishes.

    A refused row does not affect the others. `dry` returns the answers and changes nothing. Raise `FileRefused` for
    more than `MOST` at once.
    """
    if len(wishes) > MOST:
        raise FileRefused(
            gettext("{number_of_wishes:,} rows at once; at most {most:,}. Split them.").format(
                number_of_wishes=len(wishes), most=MOST
            )
        )
    rest, answers, seen = iter(wishes), list[BulkAnswer](), set[int]()
    while chunk := list(islice(rest, CHUNK)):
        answers += _decide_chunk(chunk, actor, now, dry, seen)
    return answers


@transaction.atomic
def _decide_chunk(wishes: list[Wish], actor: User, now: datetime, dry: bool, seen: set[int]) -> list[BulkAnswer]:
    rows = _named(wishes, actor)
    locked = Conversion.objects.select_for_update(of=("self",)).filter(
        pk__in={row.pk for found in rows for row in found}
    )
    standing = {row.pk: row for row in locked.order_by("pk")}
    held = held_of(standing.values())
    answers: list[BulkAnswer] = []
    moves: dict[_Move, list[int]] = defaultdict(list)
    for wish, found in zip(wishes, rows, strict=True):
        answer, move = _judged(wish, [standing[row.pk] for row in found], seen, held)
        answers.append(answer)
        if move:
            moves[move].append(found[0].pk)
    if not dry:
        source = StatusChange.Source.OPERATOR
        for (to, reason, note), ids in moves.items():
            change_status(conversion_ids=ids, to=to, reason=reason, note=note, source=source, actor=actor, now=now)
            if reviewed := [pk for pk in ids if HeldConversions.REVIEW in held.get(pk, {})]:
                close_reviews(conversion_ids=reviewed, approved=to == Status.APPROVED, actor=actor, now=now)
    return answers


def _named(wishes: list[Wish], actor: User) -> list[list[Conversion]]:
    """The conversions within the actor's reach that each wish may refer to; at most two queries."""
    known: QuerySet[Conversion] = actor.rows_within(Conversion.objects.all(), "conversions.change_conversion")
    by_id, by_transaction = dict[str, Conversion](), defaultdict[str, list[Conversion]](list)
    if ids := {wish.id for wish in wishes if wish.id}:
        by_id = {row.public_id: row for row in known.filter(public_id__in=ids)}
    if names := {wish.transaction_id for wish in wishes if not wish.id and wish.transaction_id}:
        rows = known.filter(transaction_id__in=names).select_related("advertiser", "goal").order_by("pk")
        for row in rows:
            by_transaction[row.transaction_id].append(row)
    return [_meant(wish, by_id, by_transaction) for wish in wishes]


def _meant(
    wish: Wish, by_id: Mapping[str, Conversion], by_transaction: Mapping[str, list[Conversion]]
) -> list[Conversion]:
    if wish.id:
        return [by_id[wish.id]] if wish.id in by_id else []
    return [row for row in by_transaction.get(wish.transaction_id, ()) if _fits(wish, row)]


def _fits(wish: Wish, row: Conversion) -> bool:
    names = (row.advertiser.public_id, row.advertiser.name)
    return (not wish.advertiser or wish.advertiser in names) and (not wish.goal or wish.goal == row.goal.code)


def _judged(
    wish: Wish, found: list[Conversion], seen: set[int], held: Mapping[int, Mapping[HeldConversions, str]]
) -> tuple[BulkAnswer, _Move | None]:
    row = found[0] if found else None
    named = row.public_id if row and len(found) == 1 else ""
    if row is None:
        return BulkAnswer(REFUSED, "", _unknown(wish)), None
    if len(found) > 1:
        message = gettext(
            "{number_of_found} conversions have this transaction: name the advertiser and the goal, or the id."
        ).format(number_of_found=len(found))
        return BulkAnswer(REFUSED, "", message), None
    if row.pk in seen:
        return BulkAnswer(REFUSED, named, gettext("An earlier row names the same conversion.")), None
    seen.add(row.pk)
    if wish.status not in (Status.APPROVED, Status.REJECTED):
        return BulkAnswer(
            REFUSED,
            named,
            gettext("status is {status}; send approved or rejected.").format(status=wish.status or "missing"),
        ), None
    if row.status == wish.status:
        return BulkAnswer(UNCHANGED, named, gettext("It is {status} already.").format(status=row.status)), None
    move = _move(wish, row)
    if isinstance(move, str):
        return BulkAnswer(REFUSED, named, move), None
    if move.to == Status.APPROVED and row.pk in held and not wish.include_held:
        message = gettext("{named} is left out: {held_words}. include_held approves it anyway.").format(
            named=named, held_words=held_words(held[row.pk])
        )
        return BulkAnswer(REFUSED, named, message, tuple(held[row.pk])), None
    return BulkAnswer(CHANGED, named, f"{row.get_status_display()} → {move.to.label}: {move.reason.label}."), move


def _unknown(wish: Wish) -> str:
    if wish.id:
        return gettext("There is no conversion {wish}.").format(wish=wish.id[:40])
    if wish.transaction_id:
        return gettext("There is no conversion with the transaction {transaction_id} there.").format(
            transaction_id=wish.transaction_id[:100]
        )
    return gettext("Name the conversion by id, or by transaction_id.")


def _move(wish: Wish, row: Conversion) -> _Move | str:
    """The status change that the wish requests, or why it is refused."""
    to = Status(wish.status)
    reasons = APPROVALS if to == Status.APPROVED else REJECTIONS
    usual = Reason.APPEAL if row.status == Status.REJECTED else Reason.OPERATOR_APPROVED
    usual = usual if to == Status.APPROVED else Reason.OPERATOR_REJECTED
    if wish.reason and wish.reason not in reasons:
        return gettext("reason is {reason}; for {to} there are {names}.").format(
            reason=wish.reason[:40], to=to, names=", ".join(reasons)
        )
    reason = Reason(wish.reason) if wish.reason else usual
    if row.status not in reasons[reason]:
        return gettext("The reason {reason} is not for a conversion that is {status}.").format(
            reason=reason, status=row.status
        )
    if len(wish.note) > LONGEST_NOTE:
        return gettext("The note has {number_of_note} characters; at most {longest_note} are allowed.").format(
            number_of_note=len(wish.note), longest_note=LONGEST_NOTE
        )
    if reason != Reason.OPERATOR_APPROVED and not wish.note:
        return gettext("{reason} needs a note that tells the affiliate why.").format(reason=reason)
    return _Move(to, reason, wish.note)


def read_wishes(content: bytes) -> tuple[list[int], list[Wish]]:
    """The rows of a CSV file with their line numbers; `COLUMNS` are its columns."""
    table = read_table(content)
    if "status" not in table.columns or not {"id", "transaction_id"} & set(table.columns):
        raise FileRefused(gettext("The first line must name the columns status, and id or transaction_id."))
    if unknown := [name for name in table.columns if name and name not in COLUMNS]:
        raise FileRefused(
            gettext("Unknown column {names}. Known are {names_2}.").format(
                names=", ".join(unknown)[:100], names_2=", ".join(COLUMNS)
            )
        )
    rows = list(islice(_rows_of(table.rows), MOST + 1))
    if not rows:
        raise FileRefused(gettext("The file has no rows below its first line."))
    return [line for line, _ in rows], [wish for _, wish in rows]


def _rows_of(rows: Iterator[tuple[int, dict[str, str]]]) -> Iterator[tuple[int, Wish]]:
    for line, values in rows:
        texts = {"status": "", **values}
        include = texts.pop("include_held", "").lower()
        if include not in YES + NO:
            raise FileRefused(
                gettext("Line {line}: include_held is {include}; write yes or no.").format(
                    line=line, include=include[:20]
                )
            )
        small = {name: texts.get(name, "").lower() for name in ("status", "reason")}
        yield line, Wish(**{**texts, **small}, include_held=include in YES)
