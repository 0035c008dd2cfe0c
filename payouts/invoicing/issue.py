"""Writing invoices and credit notes for statements, and booking their VAT."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from affiliates.models import User
from payouts.invoicing.basis import ZERO, Account, StatementPart, carried, open_invoices, parts_of
from payouts.invoicing.numbers import number_text, take_numbers
from payouts.invoicing.readiness import InvoiceParty, TaxTreatments, sides_of, supply_day
from payouts.invoicing.sheets import DocumentLine, Sheet, sheets_of
from payouts.ledger.chain import Draft, append, lock_heads
from payouts.models import BillingDetails, Invoice, Invoicing, Issuer, LedgerEntry, Statement
from payouts.pricing import exact, plain
from records.money import round_money, split_money

Kind = Invoice.Kind


class NoIssuer(ValueError):
    """The company that issues invoices was not entered yet; nothing was written."""


@dataclass
class Issued:
    """The result of a run: the documents, and by statement number the VAT booked and what was missing."""

    documents: list[Invoice] = field(default_factory=list)
    vat: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    lacking: dict[int, list[str]] = field(default_factory=dict)


def issue_invoices(statements: Sequence[Statement], *, now: datetime, actor: User | None = None) -> dict[int, Decimal]:
    """Write invoices for the statements that a close has just made, in the close's transaction.

    Return the VAT that was booked, by the statement's primary key: it is owed in addition to the closing balance, so
    the statement's payout has to include it. Nothing is written until the issuing company has been entered, or when it
    has automatic invoices turned off. About thirty queries for any number of statements.
    """
    issuer = Issuer.objects.filter(issues_automatically=True).first() if statements else None
    return dict(_issue_all(issuer, statements, now, actor).vat) if issuer else {}


def issue_by_hand(statements: Sequence[Statement], *, now: datetime, actor: User | None) -> Issued:
    """Write missing documents for these statements, the oldest first. A second run writes nothing.

    The VAT is booked and reaches the affiliate by its next payout. Raise `NoIssuer` without an issuing company.
    """
    issuer = Issuer.objects.first()
    if issuer is None:
        raise NoIssuer(
            gettext("Enter the company that issues the invoices first, in the panel under Money, Invoice issuer.")
        )
    return _issue_all(issuer, statements, now, actor)


def _issue_all(issuer: Issuer, statements: Sequence[Statement], now: datetime, actor: User | None) -> Issued:
    issued = Issued()
    with transaction.atomic():
        # Accounts first, then the counters: every writer locks them in this order.
        lock_heads(sorted({statement.affiliate_id for statement in statements}))
        tax, sides = TaxTreatments(issuer), sides_of({statement.affiliate_id for statement in statements})
        done = set(Invoicing.objects.filter(statement__in=statements).values_list("statement_id", flat=True))
        for some in _in_turn([each for each in statements if each.pk not in done]):
            _issue(some, issued, tax, sides, now, actor)
    return issued


def _in_turn(statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    """The first statements of all accounts, then the second ones: one may correct what the one before it made."""
    accounts: dict[Account, list[Statement]] = defaultdict(list)
    for statement in sorted(statements, key=lambda each: (each.ends_at, each.pk)):
        accounts[_account(statement)].append(statement)
    for turn in range(max((len(some) for some in accounts.values()), default=0)):
        yield [some[turn] for _, some in sorted(accounts.items()) if turn < len(some)]


def _issue(
    statements: Sequence[Statement],
    issued: Issued,
    tax: TaxTreatments,
    sides: dict[int, InvoiceParty],
    now: datetime,
    actor: User | None,
) -> None:
    """At most one statement of each account, by affiliate.

    Missing details hold up an affiliate's invoices. Credit notes use what their invoices say: they need nothing new,
    and must not wait, since they take VAT back that was paid.
    """
    parts, carry = parts_of([each.pk for each in statements]), carried(statements)
    opens = open_invoices({_account(each) for each in statements if _takes_back(parts[each.pk])})
    sheets: list[Sheet] = []
    records = []
    for statement in statements:
        account, earned = _account(statement), sum((part.net for part in parts[statement.pk]), ZERO)
        written = sheets_of(statement, parts[statement.pk], carry.get(account, ZERO), opens.get(account, ()))
        if any(sheet.original is None for sheet in written):
            side = sides.get(statement.affiliate_id, InvoiceParty())
            lacking = tax.lacks(side, statement.currency, supply_day(statement.ends_at))
            if lacking:
                issued.lacking[statement.pk] = lacking
                continue
        sheets += written
        records.append(_record(statement, earned, sum((sheet.net for sheet in written), ZERO), now, actor))
    documents = [
        _document(sheet, tax, sides.get(sheet.statement.affiliate_id, InvoiceParty()), now, actor) for sheet in sheets
    ]
    _number(documents, tax.issuer)
    _book(documents, now)
    Invoice.objects.bulk_create(documents)
    Invoicing.objects.bulk_create(records)
    issued.documents += documents
    for document in documents:
        issued.vat[document.statement_id] += document.vat


def _account(statement: Statement) -> Account:
    return statement.affiliate_id, statement.currency


def _takes_back(parts: Sequence[StatementPart]) -> bool:
    """Whether they may need a credit note, so that the account's invoices have to be read."""
    return any(part.net < 0 or part.original is not None for part in parts)


def _record(statement: Statement, earned: Decimal, documented: Decimal, now: datetime, actor: User | None) -> Invoicing:
    return Invoicing(
        statement=statement,
        affiliate_id=statement.affiliate_id,
        currency=statement.currency,
        earned=earned,
        documented=documented,
        done_at=now,
        done_by=actor,
    )


def _document(sheet: Sheet, tax: TaxTreatments, side: InvoiceParty, now: datetime, actor: User | None) -> Invoice:
    facts = _corrected(sheet) if sheet.original else _invoiced(sheet, tax, side)
    net, vat = sheet.net, facts["vat"]
    return Invoice(
        issuer=tax.issuer,
        year=now.astimezone(UTC).year,
        affiliate_id=sheet.statement.affiliate_id,
        statement=sheet.statement,
        issued_at=now,
        issued_by=actor,
        currency=sheet.statement.currency,
        net=net,
        gross=net + vat,
        lines=_lines(sheet.lines, vat, sheet.statement.currency),
        **facts,
    )


def _invoiced(sheet: Sheet, tax: TaxTreatments, side: InvoiceParty) -> dict[str, Any]:
    """The tax of an invoice, by the rule that fits, and the parties as they are today."""
    assert side.details  # `TaxTreatments.lacks` has seen to it
    issuer, currency, day = tax.issuer, sheet.statement.currency, supply_day(sheet.statement.ends_at)
    treatment = tax.treatment(side.details, day)
    vat = round_money(sheet.net * treatment.percent / 100, currency)
    local = tax.local(treatment, side.details.country, currency, day)
    facts = {
        "kind": Kind.INVOICE,
        "seller": _party(side.details, side.details.legal_name),
        "buyer": _party(issuer, issuer.name),
        "rule": treatment.rule.code,
        "percent": treatment.percent,
        "percent_since": treatment.since,
        "vat": vat,
        "notes": [words for words in (issuer.self_billing_words, treatment.rule.words) if words],
    }
    if local:
        facts |= {
            "local_vat": round_money(vat * local.rate.value, local.currency),
            "local_currency": local.currency,
            "local_rate": local.rate.value,
            "local_rate_day": local.rate.day,
            "local_rate_source": local.rate.source,
        }
    return facts


def _party(row: BillingDetails | Issuer, name: str) -> dict[str, str]:
    names = ("address", "country", "vat_number", "registration")
    return {"name": name, **{each: getattr(row, each) for each in names}}


def _corrected(sheet: Sheet) -> dict[str, Any]:
    """The tax of a credit note, as on its invoice. All credit notes together never exceed the invoice.

    Each takes the VAT of what was left before less that of what is left after, so no rounding is left over.
    """
    assert sheet.original
    invoice, left = sheet.original.invoice, sheet.original
    vat_after = round_money((left.net + sheet.net) * invoice.percent / 100, invoice.currency)
    facts = {
        "kind": Kind.CREDIT_NOTE,
        "original": invoice,
        "vat": vat_after - left.vat,
        "notes": [f"Corrects invoice {invoice.number} of {invoice.issued_at:%Y-%m-%d}.", *invoice.notes],
    }
    same = ("seller", "buyer", "rule", "percent", "percent_since")
    facts |= {name: getattr(invoice, name) for name in same}
    if invoice.local_rate is not None and left.local_vat is not None:
        after = round_money(vat_after * invoice.local_rate, invoice.local_currency)
        rates = ("local_currency", "local_rate", "local_rate_day", "local_rate_source")
        facts |= {"local_vat": after - left.local_vat, **{name: getattr(invoice, name) for name in rates}}
    return facts


def _lines(lines: Sequence[DocumentLine], vat: Decimal, currency: str) -> list[dict[str, Any]]:
    """The lines to store. The VAT is allocated so that the parts add up to the total."""
    shares = split_money(vat, [line.net for line in lines], currency)
    return [
        {
            "text": line.text,
            "entries": line.entries,
            "net": f"{round_money(line.net, currency):f}",
            "vat": f"{round_money(share, currency):f}",
        }
        for line, share in zip(lines, shares, strict=True)
    ]


def _number(documents: Sequence[Invoice], issuer: Issuer) -> None:
    """Lock both counters, always in this order, even where one has no documents, so that writers cannot deadlock."""
    for kind in (Kind.INVOICE, Kind.CREDIT_NOTE) if documents else ():
        some = [each for each in documents if each.kind == kind]
        numbers = take_numbers(issuer=issuer, kind=kind, year=documents[0].year, count=len(some))
        for document, sequence in zip(some, numbers, strict=True):
            document.sequence = sequence
            document.number = number_text(issuer, kind, document.year, sequence)


def _book(documents: Sequence[Invoice], now: datetime) -> None:
    """The VAT as a line of the account of its own, so that the balance stays the sum of its lines."""
    taxed = sorted((each for each in documents if each.vat), key=lambda each: each.affiliate_id)
    drafts = [
        Draft(
            affiliate_id=each.affiliate_id,
            kind=LedgerEntry.Kind.VAT,
            amount=each.vat,
            currency=each.currency,
            arithmetic=f"VAT {plain(each.percent)} % of {exact(each.net, each.currency)}: {_called(each)}",
            occurred_at=now,
        )
        for each in taxed
    ]
    for document, entry in zip(taxed, append(drafts, now=now), strict=True):
        document.vat_entry = entry


def _called(document: Invoice) -> str:
    return f"{'credit note' if document.is_credit_note else 'invoice'} {document.number}"
