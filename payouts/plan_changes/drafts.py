"""Drafts of plan versions: create, change and publish them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from affiliates.models import User
from payouts.models import CommissionPlan, CommissionRule, DraftVersion, PlanVersion, WorkedExample
from payouts.plan_changes.publish import problems_by_examples, publish_version
from payouts.plans.documents import PlanRefused, digest_of, document_of, rules_from
from payouts.plans.linter import problems_of_rules
from payouts.plans.price_books import hold_versions

# The fields of a worked example that a draft stores.
EXAMPLE = ("name", "by", "events", "expected")


def write_draft(
    *,
    plan: CommissionPlan,
    rules: Sequence[CommissionRule],
    effective_from: datetime,
    note: str,
    actor: User | None,
    now: datetime,
    examples: Sequence[WorkedExample] = (),
) -> DraftVersion:
    """Save these (unsaved) rules and worked examples as a draft.

    Raise `PlanRefused` with every problem when they could not be published.
    """
    _check(plan, rules, examples, effective_from)
    return DraftVersion.objects.create(
        plan=plan,
        rules=document_of(rules),
        effective_from=effective_from,
        note=note,
        examples=_written(examples),
        digest=digest_of(plan, effective_from, rules),
        created_by=actor,
        created_at=now,
        changed_at=now,
    )


def change_draft(
    *,
    draft: DraftVersion,
    rules: Sequence[CommissionRule],
    effective_from: datetime,
    note: str,
    now: datetime,
    examples: Sequence[WorkedExample] = (),
) -> DraftVersion:
    """Rewrite the draft. If its terms change, answers to the old terms no longer count, and every affiliate has to be
    asked again.

    Raise `PlanRefused` when the rules could not be published, or the draft is published or withdrawn.
    """
    _check(draft.plan, rules, examples, effective_from)
    with transaction.atomic():
        draft = locked(draft)
        digest = digest_of(draft.plan, effective_from, rules)
        if digest != draft.digest:
            draft.asked_at = draft.asked_by = None
        draft.digest, draft.rules, draft.effective_from = digest, document_of(rules), effective_from
        draft.examples, draft.note, draft.changed_at = _written(examples), note, now
        draft.save()
    return draft


def withdraw_draft(*, draft: DraftVersion, now: datetime) -> None:
    """Withdraw the draft; it stays on record with the answers to it."""
    with transaction.atomic():
        draft = locked(draft)
        draft.state, draft.changed_at = DraftVersion.State.WITHDRAWN, now
        draft.save(update_fields=["state", "changed_at"])


def publish_draft(*, draft: DraftVersion, actor: User | None, now: datetime) -> PlanVersion:
    """Bring the draft into force as the plan's next version; raise `PlanRefused` as `publish_version` does."""
    with transaction.atomic():
        hold_versions()
        draft = locked(draft)
        version = publish_version(
            plan=draft.plan,
            rules=rules_of(draft),
            effective_from=draft.effective_from,
            actor=actor,
            now=now,
            note=draft.note,
            examples=examples_of(draft),
        )
        draft.state, draft.version, draft.changed_at = DraftVersion.State.PUBLISHED, version, now
        draft.save(update_fields=["state", "version", "changed_at"])
    return version


def rules_of(draft: DraftVersion) -> list[CommissionRule]:
    """The draft's rules, unsaved."""
    return rules_from(draft.rules, draft.plan.offer)


def locked(draft: DraftVersion) -> DraftVersion:
    """The current draft, locked together with its plan until the transaction ends.

    The locks are taken in the same order as by consents and publishing. Raise `PlanRefused` when the draft is no longer
    open.
    """
    CommissionPlan.objects.select_for_update(no_key=True).get(pk=draft.plan_id)
    found = DraftVersion.objects.select_for_update(of=("self",)).select_related("plan__offer").get(pk=draft.pk)
    if not found.is_open:
        raise PlanRefused([gettext("The draft is {state} already.").format(state=found.get_state_display().lower())])
    return found


def examples_of(draft: DraftVersion) -> list[WorkedExample]:
    """The draft's worked examples, unsaved."""
    return [WorkedExample(**{name: each[name] for name in EXAMPLE}) for each in draft.examples]


def _written(examples: Sequence[WorkedExample]) -> list[dict[str, Any]]:
    return [{name: getattr(each, name) for name in EXAMPLE} for each in examples]


def _check(
    plan: CommissionPlan, rules: Sequence[CommissionRule], examples: Sequence[WorkedExample], effective_from: datetime
) -> None:
    problems = problems_of_rules(plan, rules) or problems_by_examples(plan, rules, examples, effective_from)
    if problems:
        raise PlanRefused(problems)
