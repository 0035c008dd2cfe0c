"""A statement as PDF: the sums, the earnings of each goal, the lines, and how to check it."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q
from reportlab.platypus import Flowable, KeepTogether

from payouts.documents.account import StatementBreakdown, account_of, lines_of
from payouts.documents.pdf_layout import (
    BODY,
    CODE,
    HEAD,
    SMALL,
    TITLE,
    gap,
    load_fonts,
    print_document,
    sums,
    table,
    text,
)
from payouts.models import Payout, Statement
from records.money import format_money
from records.translation import in_english

# A PDF with more lines is of no use; the CSV file has all of them.
LINES_PER_DOCUMENT = 500


def statement_pdf(statement: Statement) -> bytes:
    """The statement as PDF. The same statement gives the same bytes: nothing in it depends on the day of printing."""
    load_fonts()
    account = account_of(statement)
    story = [*_top(statement), *_earned(account), *_others(account), *_lines(statement), _proof(statement)]
    return print_document(
        story,
        title=f"Statement {statement.number}",
        author=settings.OPERATOR_NAME,
        footer=f"Statement {statement.number} · {settings.OPERATOR_NAME}",
    )


def _top(statement: Statement) -> list[Flowable]:
    currency, last_day = statement.currency, statement.ends_at - timedelta(days=1)
    affiliate = statement.affiliate
    parties = [
        ("From", "\n".join([settings.OPERATOR_NAME, *settings.OPERATOR_ADDRESS])),
        ("For", f"{affiliate.name}\n{affiliate.public_id}"),
        (
            "Period (UTC)",
            f"{_day(statement.starts_at)} to {_day(last_day)}\nclosed {_day(statement.closed_at)}",
        ),
    ]
    amounts = [
        ("Opening balance", statement.opening),
        ("Earned", statement.earned),
        ("Paid", statement.paid),
        ("Closing balance", statement.closing),
    ]
    payout = getattr(statement, "payout", None)
    after = (
        f"Payout {payout.public_id}: {format_money(payout.amount, payout.currency)}{_vat_in(payout)}"
        if payout
        else "No payout was made due by this statement; the balance is carried over."
    )
    return [
        text(f"Statement {statement.number}", TITLE),
        gap(4),
        sums(parties, last=BODY),
        gap(6),
        sums([(name, format_money(amount, currency)) for name, amount in amounts]),
        gap(4),
        text(after, SMALL),
    ]


def _vat_in(payout: Payout) -> str:
    return f", of which {format_money(payout.vat, payout.currency)} VAT of its invoice" if payout.vat else ""


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _earned(account: StatementBreakdown) -> list[Flowable]:
    currency = account.statement.currency
    if not account.earned:
        return []
    rows: list[list[object]] = [
        [
            row.offer,
            row.goal,
            row.lines,
            format_money(row.commission, currency),
            format_money(row.reversed, currency),
            format_money(row.total, currency),
        ]
        for row in account.earned
    ]
    rows.append(["Together", "", sum(row.lines for row in account.earned), "", "",
                 format_money(account.earned_total, currency)])  # fmt: skip
    columns = [("Offer", 28), ("Goal", 20), ("Lines", 8), ("Commission", 18), ("Reversed", 16), ("Earned", 18)]
    return [text("What was earned", HEAD), table(columns, rows, right=4, total=True)]


def _others(account: StatementBreakdown) -> list[Flowable]:
    if not account.others:
        return []
    rows = [
        [f"#{entry.sequence}", f"{entry.booked_at:%Y-%m-%d}", in_english(entry.get_kind_display()), entry.words,
         format_money(entry.amount, entry.currency)]
        for entry in account.others
    ]  # fmt: skip
    columns = [("Line", 8), ("Booked", 13), ("Kind", 14), ("Why", 55), ("Amount", 18)]
    return [text("Adjustments, payments and other lines", HEAD), table(columns, rows)]


def _lines(statement: Statement) -> list[Flowable]:
    rests_on_events = Q(conversion__isnull=False) | Q(clicks__isnull=False)
    lines = lines_of(statement).filter(rests_on_events).select_related("conversion__goal", "clicks")
    shown = list(lines[: LINES_PER_DOCUMENT + 1])
    if not shown:
        return []
    rows = [
        [f"#{entry.sequence}", f"{entry.occurred_at:%Y-%m-%d %H:%M}", source.public_id, entry.words,
         format_money(entry.amount, entry.currency)]
        for entry in shown[:LINES_PER_DOCUMENT]
        if (source := entry.conversion or entry.clicks)
    ]  # fmt: skip
    columns = [
        ("Line", 8),
        ("Event (UTC)", 19),
        ("Conversion or clicks", 27),
        ("How it came about", 39),
        ("Amount", 16),
    ]
    story: list[Flowable] = [text("Line by line", HEAD), table(columns, rows)]
    if len(shown) > LINES_PER_DOCUMENT:
        left = lines.count() - LINES_PER_DOCUMENT
        story.append(text(f"{left:,} further lines are in the statement's CSV and JSON files.", SMALL))
    return story


def _proof(statement: Statement) -> Flowable:
    words = (
        f"This statement covers the lines of the account in {statement.currency} with the numbers "
        f"{statement.first_sequence} to {statement.last_sequence}. Each line is sealed together with the one before "
        "it; after the last one the seal was:"
    )
    check = (
        "To check it without us: download the statement's JSON file and the program verify_statement.py from your "
        "account (Earnings, Statements), and run the one with the other. A correction of this period, should one be "
        "needed, is a line of a later statement that names this one's conversion."
    )
    return KeepTogether([text("Proof", HEAD), text(words, SMALL), text(statement.chain_hash, CODE), gap(3),
                         text(check, SMALL)])  # fmt: skip
