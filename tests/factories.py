"""Rows for tests. The same cast everywhere: Ana the affiliate, Ben her rival, Olga the operator.

Each factory makes a whole, valid world around its row: `ConversionFactory()` is enough to have an
affiliate on an offer with a link, a goal and an advertiser that belong together.
"""

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import factory
from factory.django import DjangoModelFactory, Password

from affiliates.models import (
    Advertiser,
    AdvertiserSecret,
    Affiliate,
    AffiliateMember,
    ApiKey,
    CouponCode,
    Enrollment,
    Offer,
    User,
)
from conversions.models import Conversion, Customer, CustomerLock, Goal, Postback, StatusChange, Trace
from conversions.reasons.codes import Reason
from payouts.models import (
    CommissionPlan,
    CommissionRule,
    Invoice,
    Issuer,
    LedgerEntry,
    LedgerHead,
    Payout,
    PlanVersion,
    Statement,
    WhatIf,
)
from records.secrets import digest, encrypt, new_token
from tracking.models import Click, LegacyClickID, TrackingLink

PASSWORD = "correct horse battery staple"


def new_click_uuid(*, link_id: int, at: datetime) -> uuid.UUID:
    """A click's stored ID: 48 bits of milliseconds, 32 of the link's number, 48 of chance."""
    milliseconds = int(at.timestamp() * 1000)
    return uuid.UUID(int=(milliseconds << 80) | (link_id << 48) | secrets.randbits(48))


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Person {n}")
    email = factory.Sequence(lambda n: f"person{n}@affiliates.example")
    password = Password(PASSWORD)


class OperatorFactory(UserFactory):
    """Somebody who works for the operator."""

    name = factory.Sequence(lambda n: f"Operator {n}")
    email = factory.Sequence(lambda n: f"operator{n}@operator.example")
    is_staff = True


class SuperuserFactory(OperatorFactory):
    """An operator who may do everything in the operator panel."""

    is_superuser = True


class AffiliateFactory(DjangoModelFactory[Affiliate]):
    class Meta:
        model = Affiliate

    name = factory.Sequence(lambda n: f"Affiliate {n}")
    status = Affiliate.Status.ACTIVE
    country = "DE"
    currency = "EUR"


class AffiliateMemberFactory(DjangoModelFactory[AffiliateMember]):
    class Meta:
        model = AffiliateMember

    affiliate = factory.SubFactory(AffiliateFactory)
    user = factory.SubFactory(UserFactory)
    roles = ["owner"]


class AdvertiserFactory(DjangoModelFactory[Advertiser]):
    class Meta:
        model = Advertiser

    name = factory.Sequence(lambda n: f"Advertiser {n}")
    currency = "EUR"


class AdvertiserSecretFactory(DjangoModelFactory[AdvertiserSecret]):
    """A token unless `kind` says HMAC; give `text` to know what the sender must send."""

    class Meta:
        model = AdvertiserSecret

    class Params:
        text = factory.LazyFunction(lambda: new_token("aft"))

    advertiser = factory.SubFactory(AdvertiserFactory)
    kind = AdvertiserSecret.Kind.TOKEN
    digest = factory.LazyAttribute(lambda row: digest(row.text))
    encrypted = factory.LazyAttribute(lambda row: encrypt(row.text))


class OfferFactory(DjangoModelFactory[Offer]):
    class Meta:
        model = Offer

    advertiser = factory.SubFactory(AdvertiserFactory)
    name = factory.Sequence(lambda n: f"Offer {n}")
    vertical = Offer.Vertical.IGAMING
    status = Offer.Status.ACTIVE
    currency = factory.SelfAttribute("advertiser.currency")
    destination_url = "https://casino.example/welcome?cid={click_id}"
    deep_link_hosts: ClassVar[list[str]] = ["casino.example"]


class EnrollmentFactory(DjangoModelFactory[Enrollment]):
    class Meta:
        model = Enrollment

    affiliate = factory.SubFactory(AffiliateFactory)
    offer = factory.SubFactory(OfferFactory)
    status = Enrollment.Status.APPROVED


class CouponCodeFactory(DjangoModelFactory[CouponCode]):
    class Meta:
        model = CouponCode

    enrollment = factory.SubFactory(EnrollmentFactory)
    code = factory.Sequence(lambda n: f"SAVE{n}")


class ApiKeyFactory(DjangoModelFactory[ApiKey]):
    """Give `text` to know the key itself."""

    class Meta:
        model = ApiKey

    class Params:
        text = factory.LazyFunction(lambda: new_token("afk"))

    user = factory.SubFactory(UserFactory)
    name = "A key"
    digest = factory.LazyAttribute(lambda row: digest(row.text))
    hint = factory.LazyAttribute(lambda row: row.text[:8])


class TrackingLinkFactory(DjangoModelFactory[TrackingLink]):
    class Meta:
        model = TrackingLink

    enrollment = factory.SubFactory(EnrollmentFactory)


class ClickFactory(DjangoModelFactory[Click]):
    class Meta:
        model = Click

    link = factory.SubFactory(TrackingLinkFactory)
    clicked_at = factory.LazyFunction(lambda: datetime.now(UTC))
    id = factory.LazyAttribute(lambda row: new_click_uuid(link_id=row.link.pk, at=row.clicked_at))
    ip = "203.0.113.7"
    user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class LegacyClickIDFactory(DjangoModelFactory[LegacyClickID]):
    class Meta:
        model = LegacyClickID

    source = "OldTracker"
    foreign_id = factory.Sequence(lambda n: f"OT-{n}")
    link = factory.SubFactory(TrackingLinkFactory)
    clicked_at = factory.LazyFunction(lambda: datetime.now(UTC))
    click_id = factory.LazyAttribute(lambda row: new_click_uuid(link_id=row.link.pk, at=row.clicked_at))


class GoalFactory(DjangoModelFactory[Goal]):
    """A first deposit that is approved at once."""

    class Meta:
        model = Goal

    offer = factory.SubFactory(OfferFactory)
    code = factory.Sequence(lambda n: f"ftd{n}")
    name = "First deposit (FTD)"
    kind = Goal.Kind.FTD
    approval = Goal.Approval.AT_ONCE


class CustomerFactory(DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    advertiser = factory.SubFactory(AdvertiserFactory)
    customer_id = factory.Sequence(lambda n: f"player-{n}")


class CustomerLockFactory(DjangoModelFactory[CustomerLock]):
    class Meta:
        model = CustomerLock

    customer = factory.SubFactory(CustomerFactory)
    offer = factory.SubFactory(OfferFactory, advertiser=factory.SelfAttribute("..customer.advertiser"))
    enrollment = factory.SubFactory(EnrollmentFactory, offer=factory.SelfAttribute("..offer"))
    link = factory.SubFactory(TrackingLinkFactory, enrollment=factory.SelfAttribute("..enrollment"))
    locked_at = factory.LazyFunction(lambda: datetime.now(UTC))


class PostbackFactory(DjangoModelFactory[Postback]):
    class Meta:
        model = Postback

    received_at = factory.LazyFunction(lambda: datetime.now(UTC))
    method = "GET"
    path = "/postback"
    parameters: ClassVar[list[list[str]]] = []
    advertiser = factory.SubFactory(AdvertiserFactory)


class ConversionFactory(DjangoModelFactory[Conversion]):
    """An approved conversion that is due for booking. Give `goal` and `affiliate` to place it."""

    class Meta:
        model = Conversion

    goal = factory.SubFactory(GoalFactory)
    affiliate = factory.SubFactory(AffiliateFactory)
    advertiser = factory.SelfAttribute("goal.offer.advertiser")
    evidence = Conversion.Evidence.ROW
    transaction_id = factory.Sequence(lambda n: f"tx-{n}")
    dedupe_key = factory.LazyAttribute(lambda row: f"{row.goal.pk}:{row.transaction_id}")
    revenue = Decimal("80")
    currency = "EUR"
    status = Conversion.Status.APPROVED
    reason = Reason.OK
    occurred_at = factory.LazyFunction(lambda: datetime.now(UTC))
    received_at = factory.SelfAttribute("occurred_at")


class StatusChangeFactory(DjangoModelFactory[StatusChange]):
    class Meta:
        model = StatusChange

    conversion = factory.SubFactory(ConversionFactory)
    to_status = factory.SelfAttribute("conversion.status")
    reason = factory.SelfAttribute("conversion.reason")
    source = StatusChange.Source.POSTBACK


class TraceFactory(DjangoModelFactory[Trace]):
    class Meta:
        model = Trace

    postback = factory.SubFactory(PostbackFactory)
    decided_at = factory.SelfAttribute("postback.received_at")
    outcome = Postback.Outcome.ACCEPTED
    reason = Reason.OK
    http_status = 200
    steps: ClassVar[list[dict[str, Any]]] = [
        {"step": "receive", "result": "stored", "rule": "", "input": {}, "note": ""}
    ]


class CommissionPlanFactory(DjangoModelFactory[CommissionPlan]):
    class Meta:
        model = CommissionPlan

    offer = factory.SubFactory(OfferFactory)
    affiliate = None
    name = "Standard plan"


class PlanVersionFactory(DjangoModelFactory[PlanVersion]):
    """In force for the last year; number and start follow the plan's earlier versions when not given."""

    class Meta:
        model = PlanVersion

    plan = factory.SubFactory(CommissionPlanFactory)
    number = factory.LazyAttribute(lambda row: row.plan.versions.count() + 1)
    effective_from = factory.LazyAttribute(lambda row: datetime.now(UTC) - timedelta(days=365 - row.number))
    # Published when it begins: one that begins before it was published needs consents.
    created_at = factory.SelfAttribute("effective_from")


class CommissionRuleFactory(DjangoModelFactory[CommissionRule]):
    """A flat 120 EUR for a goal of the plan's own offer."""

    class Meta:
        model = CommissionRule

    version = factory.SubFactory(PlanVersionFactory)
    goal = factory.SubFactory(GoalFactory, offer=factory.SelfAttribute("..version.plan.offer"))
    kind = CommissionRule.Kind.FLAT
    amount = Decimal("120")
    currency = "EUR"


class WhatIfFactory(DjangoModelFactory[WhatIf]):
    """A question about last month that waits for a worker."""

    class Meta:
        model = WhatIf

    plan = factory.SubFactory(CommissionPlanFactory)
    tried = "A proposal"
    rules: ClassVar[dict[str, Any]] = {"rules": []}
    ends_at = factory.LazyFunction(lambda: datetime.now(UTC))
    starts_at = factory.LazyAttribute(lambda row: row.ends_at - timedelta(days=30))


class PercentRuleFactory(CommissionRuleFactory):
    """25 % of the revenue."""

    kind = CommissionRule.Kind.PERCENT
    amount = None
    currency = ""
    percent = Decimal("25")


class LedgerHeadFactory(DjangoModelFactory[LedgerHead]):
    class Meta:
        model = LedgerHead

    affiliate = factory.SubFactory(AffiliateFactory)


class LedgerEntryFactory(DjangoModelFactory[LedgerEntry]):
    """A bare row, outside any chain: for pages only. `payouts.ledger.booking` makes real ones."""

    class Meta:
        model = LedgerEntry

    affiliate = factory.SubFactory(AffiliateFactory)
    sequence = factory.LazyAttribute(lambda row: row.affiliate.ledger_entries.count() + 1)
    kind = LedgerEntry.Kind.ADJUSTMENT
    amount = Decimal("10")
    currency = "EUR"
    arithmetic = "A bonus"
    occurred_at = factory.LazyFunction(lambda: datetime.now(UTC))
    booked_at = factory.SelfAttribute("occurred_at")
    previous_hash = "0" * 64
    hash = factory.LazyFunction(lambda: secrets.token_hex(32))


class StatementFactory(DjangoModelFactory[Statement]):
    """A bare row: for pages only. `payouts.statements.statements` makes real ones."""

    class Meta:
        model = Statement

    affiliate = factory.SubFactory(AffiliateFactory)
    currency = "EUR"
    ends_at = datetime(2026, 11, 1, tzinfo=UTC)
    starts_at = datetime(2026, 10, 1, tzinfo=UTC)
    number = factory.LazyAttribute(lambda row: f"{row.starts_at:%Y-%m}-{row.affiliate.public_id}-{row.currency}")
    first_sequence = 1
    last_sequence = 1
    opening = Decimal(0)
    earned = Decimal("100")
    paid = Decimal(0)
    closing = factory.LazyAttribute(lambda row: row.opening + row.earned + row.paid)
    closed_at = factory.SelfAttribute("ends_at")
    chain_hash = "0" * 64


class PayoutFactory(DjangoModelFactory[Payout]):
    class Meta:
        model = Payout

    statement = factory.SubFactory(StatementFactory)
    affiliate = factory.SelfAttribute("statement.affiliate")
    amount = factory.SelfAttribute("statement.closing")
    currency = factory.SelfAttribute("statement.currency")
    sent_amount = factory.SelfAttribute("amount")
    sent_currency = factory.SelfAttribute("currency")


class IssuerFactory(DjangoModelFactory[Issuer]):
    """The one company; asked for again, the same."""

    class Meta:
        model = Issuer
        django_get_or_create = ("only",)

    only = True
    name = "Acme Programs GmbH"
    address = "Hauptstrasse 1\n10115 Berlin"
    country = "DE"
    vat_number = "DE136695976"


class InvoiceFactory(DjangoModelFactory[Invoice]):
    """A bare row without VAT: for pages only. `payouts.invoicing` makes real ones."""

    class Meta:
        model = Invoice

    kind = Invoice.Kind.INVOICE
    issuer = factory.SubFactory(IssuerFactory)
    statement = factory.SubFactory(StatementFactory)
    affiliate = factory.SelfAttribute("statement.affiliate")
    year = 2026
    sequence = factory.Sequence(lambda n: n + 1)
    number = factory.LazyAttribute(lambda row: f"SB-{row.year}-{row.sequence:06d}")
    issued_at = factory.SelfAttribute("statement.closed_at")
    currency = factory.SelfAttribute("statement.currency")
    net = factory.SelfAttribute("statement.earned")
    vat = Decimal(0)
    gross = factory.LazyAttribute(lambda row: row.net + row.vat)
    rule = "reverse_charge"
    percent = Decimal(0)
    seller = factory.LazyAttribute(
        lambda row: {
            "name": row.affiliate.name,
            "address": "Town",
            "country": "FR",
            "vat_number": "",
            "registration": "",
        }
    )
    buyer = factory.SelfAttribute("seller")
    lines = factory.LazyAttribute(
        lambda row: [{"text": "Commission", "entries": 1, "net": f"{row.net}", "vat": f"{row.vat}"}]
    )
