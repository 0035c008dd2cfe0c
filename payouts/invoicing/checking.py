"""Checking invoices against lines, ledger and statements, and their numbers for gaps."""

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Count, F, Max, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from affiliates.models import Affiliate
from payouts.invoicing.basis import NOT_INVOICED, ZERO
from payouts.ledger.chain_walk import ChainProblem
from payouts.models import Invoice, Invoicing, LedgerEntry
from payouts.pricing import exact

CHUNK = 2000


def invoice_findings(affiliate: Affiliate | None = None) -> Iterator[ChainProblem]:
    """Problems with the invoices of one affiliate, or of all. The numbers are checked only for all."""
    mine = Q(affiliate=affiliate) if affiliate else Q()
    for invoice in Invoice.objects.filter(mine).select_related("vat_entry").order_by("pk").iterator(chunk_size=CHUNK):
        yield from (ChainProblem(f"Invoice {invoice.number}", problem) for problem in _problems(invoice))
    yield from _statement_findings(mine)
    yield from _loose_vat(mine)
    if affiliate is None:
        yield from _gaps()


def _problems(invoice: Invoice) -> Iterator[str]:
    currency = invoice.currency
    for name, words, stated in (("net", "before VAT", invoice.net), ("vat", "of VAT", invoice.vat)):
        found = sum((Decimal(line[name]) for line in invoice.lines), ZERO)
        if found != stated:
            yield f"says {exact(stated, currency)} {words}, but its lines come to {exact(found, currency)} {words}."
    entry = invoice.vat_entry
    booked = entry.amount if entry else ZERO
    if booked != invoice.vat:
        yield f"has {exact(invoice.vat, currency)} VAT, but the ledger holds {exact(booked, currency)} of VAT for it."
    if entry and (entry.kind, entry.affiliate_id, entry.currency) != (
        LedgerEntry.Kind.VAT,
        invoice.affiliate_id,
        invoice.currency,
    ):
        yield f"names entry #{entry.sequence} as its VAT, which is of another kind, account or currency."


def _statement_findings(mine: Q) -> Iterator[ChainProblem]:
    """Compare earned and documented amounts with sums added up again from the ledger and the documents."""
    documents = Invoice.objects.filter(statement=OuterRef("statement")).order_by().values("statement")
    covered = LedgerEntry.objects.filter(
        affiliate=OuterRef("affiliate"),
        currency=OuterRef("currency"),
        sequence__gte=OuterRef("statement__first_sequence"),
        sequence__lte=OuterRef("statement__last_sequence"),
    ).exclude(kind__in=NOT_INVOICED)
    rows = (
        Invoicing.objects.filter(mine)
        .annotate(
            in_documents=Coalesce(Subquery(documents.annotate(total=Sum("net")).values("total")), Value(ZERO)),
            in_ledger=Coalesce(
                Subquery(covered.order_by().values("affiliate").annotate(total=Sum("amount")).values("total")),
                Value(ZERO),
            ),
        )
        .exclude(documented=F("in_documents"), earned=F("in_ledger"))
        .select_related("statement")
    )
    for row in rows.order_by("pk").iterator(chunk_size=CHUNK):
        yield ChainProblem(
            f"Statement {row.statement.number}",
            f"was invoiced with {exact(row.documented, row.currency)} for {exact(row.earned, row.currency)} earned; "
            f"its documents come to {exact(row.in_documents, row.currency)}, its lines to "
            f"{exact(row.in_ledger, row.currency)}.",
        )


def _loose_vat(mine: Q) -> Iterator[ChainProblem]:
    rows = LedgerEntry.objects.filter(mine, kind=LedgerEntry.Kind.VAT, invoice=None).order_by(
        "affiliate_id", "sequence"
    )
    for number, public_id in rows.values_list("sequence", "affiliate__public_id").iterator(chunk_size=CHUNK):
        yield ChainProblem(f"Entry #{number} of {public_id}", "is VAT that no invoice names.")


def _gaps() -> Iterator[ChainProblem]:
    series = Invoice.objects.order_by("kind", "year").values_list("issuer", "kind", "year")
    for issuer, kind, year, count, last in series.annotate(count=Count("pk"), last=Max("sequence")):
        if count != last:
            present = set(
                Invoice.objects.filter(issuer=issuer, kind=kind, year=year).values_list("sequence", flat=True)
            )
            missing = next(number for number in range(1, last + 1) if number not in present)
            name = Invoice.Kind(kind).label.lower()
            yield ChainProblem(f"The {name}s of {year}", f"have a gap: {name} number {missing} of {year} is missing.")
