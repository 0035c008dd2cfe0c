"""A row of every model that the operator panel shows."""

from datetime import UTC, datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import CHANGE, LogEntry

from affiliates.models import CustomRole, MobileApp, OfferDestination, TrackingDomain, User
from conversions.models import (
    Appeal,
    ConflictReview,
    ParkedPostback,
    RiskPolicy,
    RiskReview,
    SenderMapping,
    SourceConnection,
    Touch,
)
from conversions.sources.connections import new_connection
from payouts.models import (
    BilledClicks,
    BillingDetails,
    CloseFailure,
    ExchangeRate,
    PayoutBatch,
    PayoutTerms,
    PeriodClose,
    PlanConsent,
    SelfBillingAgreement,
    VatRate,
    WhatIf,
)
from payouts.paying.methods import set_method
from payouts.plan_changes.drafts import write_draft
from records.secrets import encrypt
from tests import factories


def populate(number: int) -> None:
    """A whole small world; called again with another number it adds another of everything."""
    at = datetime.now(UTC)
    member = factories.AffiliateMemberFactory()
    affiliate = member.affiliate
    goal = factories.GoalFactory()
    enrollment = factories.EnrollmentFactory(
        affiliate=affiliate, offer=goal.offer, decided_by=member.user, decided_at=at
    )
    link = factories.TrackingLinkFactory(enrollment=enrollment)
    click = factories.ClickFactory(link=link, sub1="blog")
    customer = factories.CustomerFactory(advertiser=goal.offer.advertiser)
    factories.CustomerLockFactory(customer=customer, offer=goal.offer, enrollment=enrollment, link=link)
    postback = factories.PostbackFactory(
        advertiser=goal.offer.advertiser, click_id=click.pk, transaction_id=f"t{number}", parameters=[["txid", "t"]]
    )
    conversion = factories.ConversionFactory(
        goal=goal, affiliate=affiliate, link=link, customer=customer, click_id=click.pk
    )
    factories.TraceFactory(postback=postback, conversion=conversion)
    Touch.objects.create(
        customer=customer, offer=goal.offer, enrollment=enrollment, link=link, click_id=click.pk, at=at
    )
    ParkedPostback.objects.create(
        postback=postback, advertiser=goal.offer.advertiser, waits_for="customer", awaited="c-1", occurred_at=at,
        parked_at=at, expires_at=at, next_try_at=at,
    )  # fmt: skip
    factories.StatusChangeFactory(conversion=conversion, postback=postback, actor=member.user)
    RiskPolicy.objects.create(offer=goal.offer)
    new_connection(advertiser=goal.offer.advertiser, source="stripe").save()
    SenderMapping.objects.create(
        slug=f"crm-{number}", name="CRM", advertiser=goal.offer.advertiser, names={"click_id": ["trk"]}
    )
    RiskReview.objects.create(
        conversion=conversion, score=100, threshold=100, parts=[], owner=member.user, at_end="stay", opened_at=at,
        held_until=at,
    )  # fmt: skip
    Appeal.objects.create(
        conversion=conversion, words="It was a real sale.", appealed_by=member.user, owner=member.user, due_at=at
    )
    ConflictReview.objects.create(
        conversion=conversion,
        postback=factories.PostbackFactory(advertiser=goal.offer.advertiser, parameters=[["revenue", "70"]]),
        fingerprint="f",
        opened_at=at,
    )
    _money(goal, affiliate, conversion)
    BilledClicks.objects.create(
        affiliate=affiliate, offer=goal.offer, link=link, day=at.date(), clicks=1, parts=[{"clicks": 1}], counted_at=at
    )
    factories.AdvertiserSecretFactory(advertiser=goal.offer.advertiser)
    SourceConnection.objects.create(
        advertiser=goal.offer.advertiser,
        source="shopify",
        digest=f"{number:064d}",
        encrypted_token=encrypt("ast_of_a_shop"),
    )
    factories.CouponCodeFactory(enrollment=enrollment)
    factories.LegacyClickIDFactory(link=link)
    factories.ApiKeyFactory(user=member.user, affiliate=affiliate)
    _system(number, member.user, goal.offer)


def _money(goal, affiliate, conversion) -> None:
    version = factories.PlanVersionFactory(plan=factories.CommissionPlanFactory(offer=goal.offer))
    rule = factories.CommissionRuleFactory(version=version, goal=goal)
    proposing(version, rule, affiliate)
    factories.LedgerHeadFactory(affiliate=affiliate)
    payout = factories.PayoutFactory(statement=factories.StatementFactory(affiliate=affiliate))
    invoicing(payout.statement)
    paying(affiliate)
    factories.LedgerEntryFactory(
        affiliate=affiliate, kind="commission", conversion=conversion, plan_version=version, rule=rule, payout=payout
    )


def proposing(version, rule, affiliate) -> None:
    at = version.effective_from + timedelta(days=1)
    draft = write_draft(plan=version.plan, rules=[rule], effective_from=at, note="", actor=None, now=at)
    PlanConsent.objects.create(
        draft=draft, digest=draft.digest, affiliate=affiliate, answer="accepted", source="portal",
        answered_by=factories.UserFactory(),
    )  # fmt: skip
    WhatIf.objects.create(
        plan=version.plan, draft=draft, tried="A draft", rules=draft.rules, digest=draft.digest, starts_at=at,
        ends_at=at + timedelta(days=30),
    )  # fmt: skip


def invoicing(statement) -> None:
    """An invoice, and what it rests on."""
    factories.InvoiceFactory(statement=statement)
    BillingDetails.objects.create(affiliate=statement.affiliate, legal_name="Ana", address="Town", country="FR")
    at, by = statement.closed_at, factories.UserFactory()
    SelfBillingAgreement.objects.create(affiliate=statement.affiliate, words="Yes.", agreed_at=at, agreed_by=by)
    VatRate.objects.create(country="FR", percent=20, valid_from=at.date() + timedelta(days=statement.pk))


def paying(affiliate) -> None:
    """Where and when the affiliate is paid."""
    at = datetime.now(UTC)
    set_method(affiliate=affiliate, kind="paypal", details={"email": "ana@example.com"}, actor=None, now=at)
    PayoutTerms.objects.create(affiliate=affiliate, minimum=50)
    close = PeriodClose.objects.create(
        ends_at=at, state="failed", asked_by=factories.OperatorFactory(), finished_at=at, done=1, failed=1, total=2
    )
    CloseFailure.objects.create(close=close, affiliate=affiliate, why="DataError: too large", remedy="Correct it.")
    PayoutBatch.objects.create(kind="paypal", currency="EUR", created_by=factories.OperatorFactory())
    ExchangeRate.objects.create(currency="USD", day=at.date(), per_euro=1, source="ecb")


def _system(number: int, user: User, offer) -> None:
    OfferDestination.objects.create(offer=offer, name="Phones", destination_url="https://m.casino.example/")
    TrackingDomain.objects.create(host=f"go{number}.example.com")
    MobileApp.objects.create(
        advertiser=offer.advertiser, name=f"App {number}", team_id="9JA89QQLNQ", bundle_id="com.example.shop"
    )
    LogEntry.objects.log_actions(user.pk, [offer], CHANGE, change_message="Looked at.")
    EmailAddress.objects.create(user=user, email=user.email)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "never shown"})
    CustomRole.objects.create(name=f"Night shift {number}", roles=["support"], actions=["handle_postbacks"])
