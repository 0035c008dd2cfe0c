"""Each booking, statement, payout and step of terms is an event, once."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from affiliates.models import Affiliate, User
from payouts.events import KINDS
from payouts.ledger.booking import book_changes
from payouts.models import DraftVersion, LedgerEntry, Payout, PayoutTerms
from payouts.paying import batches
from payouts.paying.methods import set_method
from payouts.paying.payments import mark_failed, mark_paid, mark_returned
from payouts.plan_changes.consent_requests import ask_for_consent
from payouts.plan_changes.consents import answer
from payouts.plan_changes.drafts import withdraw_draft, write_draft
from records.models import Event
from tests.factories import AffiliateMemberFactory, ConversionFactory, GoalFactory, OperatorFactory
from tests.payouts.billing import NOVEMBER, OCTOBER, billed, closed, earn, issuer
from tests.payouts.deals import NOW, REJECTED, deal, flat, move

pytestmark = pytest.mark.django_db


class Cast:
    """Ana, who earns; Olga and Pete, who pay."""

    def __init__(self, settings: Any, ana: Affiliate, olga: User) -> None:
        settings.OPERATOR_NAME, settings.OPERATOR_IBAN, settings.OPERATOR_BIC = "Acme Ltd", "NL91ABNA0417164300", ""
        self.ana, self.olga, self.pete = ana, olga, OperatorFactory(name="Pete")


@pytest.fixture
def cast(settings: Any, ana: Affiliate, olga: User) -> Cast:
    return Cast(settings, ana, olga)


def booked(cast: Cast) -> None:
    goal = GoalFactory()
    deal(flat(goal, "50"))
    ConversionFactory(goal=goal, affiliate=cast.ana)
    book_changes(now=NOW)


def due(cast: Cast) -> Payout:
    earn(cast.ana, "100", OCTOBER)
    [statement] = closed(NOVEMBER)
    return statement.payout


def sent(cast: Cast) -> Payout:
    details = {"holder": "Ana", "iban": "DE89370400440532013000", "bic": ""}
    set_method(affiliate=cast.ana, kind="sepa", details=details, actor=None, now=OCTOBER)
    payout = due(cast)
    [batch] = batches.make_batches(payout_ids=[payout.pk], actor=cast.olga, now=NOVEMBER).batches
    batches.approve_batch(batch=batch, actor=cast.pete, now=NOVEMBER)
    batches.release_batch(batch=batch, actor=cast.pete, now=NOVEMBER)
    return Payout.objects.get()


def paid(cast: Cast) -> Payout:
    PayoutTerms.objects.create(fee=2)
    payout = due(cast)
    mark_paid(payout=payout, reference="SEPA 1", actor=cast.olga, now=NOVEMBER)
    return Payout.objects.get()


def returned(cast: Cast) -> LedgerEntry:
    return mark_returned(payout=paid(cast), why="Account closed", actor=cast.olga, now=NOVEMBER)


def invoiced(cast: Cast) -> None:
    issuer("DE")
    billed(cast.ana, "DE")
    due(cast)


def proposed(cast: Cast) -> DraftVersion:
    goal = GoalFactory()
    plan = deal(flat(goal, "50")).plan
    ConversionFactory(goal=goal, affiliate=cast.ana, occurred_at=NOW - timedelta(days=1))
    book_changes(now=NOW)
    rules = [flat(goal, "40")]
    draft = write_draft(plan=plan, rules=rules, effective_from=NOW - timedelta(days=5), note="", actor=None, now=NOW)
    ask_for_consent(draft=draft, actor=cast.olga, now=NOW)
    return DraftVersion.objects.get()


def answered(accepts: bool) -> Callable[[Cast], object]:
    def give(cast: Cast) -> None:
        draft = proposed(cast)
        user = AffiliateMemberFactory(affiliate=cast.ana).user
        answer(draft=draft, digest=draft.digest, affiliate=cast.ana, accepts=accepts, user=user, now=NOW)

    return give


CAUSES: dict[str, Callable[[Cast], object]] = {
    "commission.booked": booked,
    "adjustment.booked": lambda cast: earn(cast.ana, "100", OCTOBER),
    "payment.booked": paid,
    "fee.booked": paid,
    "returned.booked": returned,
    "vat.booked": invoiced,
    "statement.issued": due,
    "invoice.issued": invoiced,
    "payout.created": due,
    "payout.sent": sent,
    "payout.paid": paid,
    "payout.failed": lambda cast: mark_failed(payout=sent(cast), why="Closed", actor=cast.olga, now=NOVEMBER),
    "payout.returned": returned,
    "terms.proposed": proposed,
    "terms.accepted": answered(True),
    "terms.declined": answered(False),
    "terms.withdrawn": lambda cast: withdraw_draft(draft=proposed(cast), now=NOW),
    "terms.published": lambda cast: deal(flat(GoalFactory(), "50")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_event_is_written_once(cast: Cast, kind: str) -> None:
    CAUSES[kind](cast)
    assert Event.objects.filter(kind=kind).count() == 1


def test_no_other_kind_is_written(cast: Cast) -> None:
    for cause in (booked, returned, proposed):
        cause(cast)
    written = set(
        Event.objects.exclude(kind__regex="^(affiliate|enrollment|conversion)").values_list("kind", flat=True)
    )
    assert written <= set(KINDS)


def test_a_booking_names_the_conversion_and_the_exact_amount(cast: Cast) -> None:
    booked(cast)
    entry, event = LedgerEntry.objects.get(), Event.objects.get(kind="commission.booked")
    assert (event.subject_id, event.affiliate_id) == (entry.pk, cast.ana.pk)
    assert event.data == {
        "kind": "commission", "sequence": 1, "amount": "50", "currency": "EUR", "conversion": entry.conversion_id,
    }  # fmt: skip


def test_a_reversal_is_a_booking_below_zero(cast: Cast) -> None:
    booked(cast)
    conversion = LedgerEntry.objects.get().conversion
    assert conversion
    move(conversion, REJECTED)
    book_changes(now=NOW)
    events = Event.objects.filter(kind="commission.booked").order_by("id")
    assert [Decimal(event.data["amount"]) for event in events] == [50, -50]
