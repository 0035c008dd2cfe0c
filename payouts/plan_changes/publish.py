"""Publishing a version of a commission plan."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from affiliates.models import Affiliate, User
from conversions.models import Conversion
from payouts.ledger.click_booking import make_clicks_due, problems_of_paid_clicks
from payouts.models import CommissionPlan, CommissionRule, PlanEffect, PlanVersion, WorkedExample
from payouts.plan_changes.consents import affected_by, without_consent
from payouts.plan_changes.what_if import Proposal, compare, with_everybody
from payouts.plans.documents import PlanRefused, digest_of
from payouts.plans.examples import goals_of, problems_of_examples
from payouts.plans.linter import problems_of_rules
from payouts.plans.price_books import hold_versions, keep_versions, price_book, terms_of_rule

# How many affiliates a refusal names.
NAMED = 5

__all__ = ["PlanRefused", "keep_versions", "price_book", "publish_version", "terms_of_rule"]


def publish_version(
    *,
    plan: CommissionPlan,
    rules: Sequence[CommissionRule],
    effective_from: datetime,
    actor: User | None,
    now: datetime,
    note: str = "",
    examples: Sequence[WorkedExample] = (),
) -> PlanVersion:
    """Make the plan's next version with these (unsaved) rules and worked examples, in force from a moment on.

    Versions and rules are append-only: a changed deal is another version. Booked conversions that happened at or after
    `effective_from` become due again, so that the ledger follows the new terms by lines of difference. Waits for
    batches that are being booked.

    A version that begins before `now` needs the consent of every affiliate whose events it reprices
    (`payouts.plan_changes.consents`), unless none of them loses anything: then the proof is stored with it. Raise
    `PlanRefused` with every problem when a rule is invalid, when an example does not give its expected lines, when
    `effective_from` is not after the previous version's, or when consents are missing.
    """
    with transaction.atomic():
        hold_versions()
        CommissionPlan.objects.select_for_update(no_key=True).get(pk=plan.pk)
        last = plan.versions.order_by("-number").first()
        problems = [*_problems_of_start(last, effective_from), *problems_of_rules(plan, rules)]
        problems += problems_of_paid_clicks(plan, effective_from, now)
        problems = problems or problems_by_examples(plan, rules, examples, effective_from)
        if problems:
            raise PlanRefused(problems)
        digest = digest_of(plan, effective_from, rules)
        if effective_from < now:
            _check_consents(Proposal(plan, rules, effective_from, now), digest)
        version = PlanVersion(
            plan=plan,
            number=last.number + 1 if last else 1,
            effective_from=effective_from,
            note=note,
            created_by=actor,
            created_at=now,
            digest=digest,
        )
        _insert(version, rules, examples)
        _make_due(plan, effective_from)
        make_clicks_due(plan, effective_from)
    return version


def problems_by_examples(
    plan: CommissionPlan, rules: Sequence[CommissionRule], examples: Sequence[WorkedExample], effective_from: datetime
) -> list[str]:
    """Every example that does not come out as it expects by these rules, as a sentence."""
    if not examples:
        return []
    terms = [terms_of_rule(rule) for rule in rules]
    return problems_of_examples(examples, terms, goals=goals_of(plan.offer_id), effective_from=effective_from)


def _insert(version: PlanVersion, rules: Sequence[CommissionRule], examples: Sequence[WorkedExample]) -> None:
    try:
        with transaction.atomic():
            version.save(force_insert=True)
    except IntegrityError as error:
        if "was not agreed to" not in str(error):
            raise
        # The database checks again, and an affiliate's first event of that time arrived in between.
        raise PlanRefused(
            [gettext("Events came in meanwhile that the version would price again. Publish it again.")]
        ) from error
    for rule in rules:
        rule.version = version
    CommissionRule.objects.bulk_create(rules)
    for position, example in enumerate(examples, 1):
        example.version, example.position = version, position
    WorkedExample.objects.bulk_create(examples)


def _problems_of_start(last: PlanVersion | None, effective_from: datetime) -> list[str]:
    if last is None or effective_from > last.effective_from:
        return []
    return [
        gettext(
            "The version must take effect after {last} did ({effective_from:%Y-%m-%d %H:%M} UTC); "
            "{effective_from_2:%Y-%m-%d %H:%M} is not later."
        ).format(last=last, effective_from=last.effective_from, effective_from_2=effective_from)
    ]


def _check_consents(proposal: Proposal, digest: str) -> None:
    """Raise `PlanRefused` unless all affiliates concerned agreed or none loses; store the proof of the latter."""
    affected = affected_by(proposal.plan, proposal.starts_at, proposal.ends_at)
    lacking = without_consent(proposal.plan, digest, affected)
    if not lacking:
        return
    outcomes = compare(proposal, progress=lambda *_: None).outcomes()
    losing = {each.affiliate_id for each in outcomes if each.loses}
    if losing:
        raise PlanRefused([_words(proposal, affected, lacking, len(losing))])
    proof = [
        PlanEffect(plan=proposal.plan, digest=digest, made_at=proposal.ends_at, **each._asdict())
        for each in with_everybody(outcomes, affected)
    ]
    PlanEffect.objects.bulk_create(proof)


def _words(proposal: Proposal, affected: Collection[int], lacking: Collection[int], losing: int) -> str:
    names = [str(each) for each in Affiliate.objects.filter(pk__in=lacking).order_by("name")[:NAMED]]
    more = (
        gettext(" and {number_of_lacking} more").format(number_of_lacking=len(lacking) - len(names))
        if len(lacking) > len(names)
        else ""
    )
    loses = gettext("one affiliate loses") if losing == 1 else gettext("{losing} affiliates lose").format(losing=losing)
    return gettext(
        "{starts_at:%Y-%m-%d %H:%M} UTC has passed, and by these terms {loses} money, earned or pending: "
        "{number_of_lacking} of {number_of_affected} consents are missing ({names}{more}). Ask the affiliates for "
        "their consent to it as a draft, in the panel, or begin now or later and settle past events by an adjustment."
    ).format(
        starts_at=proposal.starts_at,
        loses=loses,
        number_of_lacking=len(lacking),
        number_of_affected=len(affected),
        names=", ".join(names),
        more=more,
    )


def _make_due(plan: CommissionPlan, effective_from: datetime) -> None:
    """Send booked conversions that the new terms cover back for booking, locking them in the order of their IDs."""
    covered = Conversion.objects.filter(
        goal__offer=plan.offer_id,
        status=Conversion.Status.APPROVED,
        occurred_at__gte=effective_from,
        booked_at__isnull=False,
    )
    if plan.affiliate_id:
        covered = covered.filter(affiliate=plan.affiliate_id)
    locked = covered.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True)
    Conversion.objects.filter(pk__in=list(locked)).update(booked_at=None)
