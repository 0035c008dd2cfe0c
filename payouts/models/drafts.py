"""Versions before they are in force: drafts, affiliates' consents, and what-ifs."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from affiliates.models import Affiliate, User
from payouts import events
from payouts.models.plans import CommissionPlan, PlanVersion
from records.append_only import append_only
from records.money import AmountField, CurrencyField
from records.public_ids import draft_id, what_if_id
from records.translation import gettext_lazy as _


class DraftVersion(models.Model):
    """A version that is being written. It prices nothing, and changes freely until it is published."""

    class State(models.TextChoices):
        OPEN = "open", _("Draft")
        PUBLISHED = "published", _("Published")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    public_id = models.CharField(max_length=16, unique=True, default=draft_id, editable=False)
    plan = models.ForeignKey(CommissionPlan, models.PROTECT, related_name="drafts")
    effective_from = models.DateTimeField(help_text=_("Events that happened from this moment on are priced by it."))
    rules = models.JSONField(help_text=_("As a version file lists them."))
    examples = models.JSONField(default=list, help_text=_("Worked examples, each with name, by, events and expected."))
    note = models.CharField(max_length=250, blank=True)
    # A digest of plan, start and rules: consents refer to the terms by this name.
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    # When affiliates were last asked for their consent to the current draft.
    asked_at = models.DateTimeField(null=True)
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    version = models.OneToOneField(PlanVersion, models.PROTECT, null=True, related_name="draft")

    class Meta:
        ordering = ["-id"]
        triggers: ClassVar = [events.terms_changed]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="published", version__isnull=False) | ~Q(state="published") & Q(version=None),
                name="published_draft_has_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan}, draft from {self.effective_from:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        """Whether it may still be changed, agreed to and published."""
        return self.state == self.State.OPEN


class PlanConsent(models.Model):
    """An affiliate's answer to a draft with exactly these terms (`digest`). The newest answer to a digest counts."""

    class Answer(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")

    class Source(models.TextChoices):
        PORTAL = "portal", _("In the portal")
        OPERATOR = "operator", _("Recorded by an operator")

    draft = models.ForeignKey(DraftVersion, models.PROTECT, related_name="consents")
    digest = models.CharField(max_length=64)
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="+")
    answer = models.CharField(max_length=8, choices=Answer)
    source = models.CharField(max_length=8, choices=Source)
    answered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(default=timezone.now)
    address = models.GenericIPAddressField(null=True, help_text=_("Where the answer came from."))
    evidence = models.CharField(max_length=500, blank=True, help_text=_("How the affiliate agreed, in words."))
    evidence_file = models.CharField(max_length=500, blank=True, help_text=_("File name or link of what proves it."))
    # What the affiliate was shown: the terms in words, and its own earnings before and after.
    shown = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = [*append_only("plan_consent_append_only"), events.terms_answered]
        constraints = [
            models.CheckConstraint(
                condition=Q(source="portal") | Q(source="operator") & ~Q(evidence=""),
                name="recorded_consent_has_evidence",
            ),
        ]
        indexes = [models.Index(fields=["digest", "affiliate", "-id"], name="plan_consent_newest")]

    def __str__(self) -> str:
        return f"{self.affiliate}: {self.get_answer_display()}"


class PlanEffect(models.Model):
    """The effect of a retroactive version, published without consents, on an affiliate: the proof of no loss.

    `before` and `after` are sums of approved conversions; `expected_…` adds pending ones as if they were approved.
    """

    plan = models.ForeignKey(CommissionPlan, models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="+")
    currency = CurrencyField()
    before = AmountField()
    after = AmountField()
    expected_before = AmountField()
    expected_after = AmountField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = append_only("plan_effect_append_only")
        constraints = [
            models.UniqueConstraint(fields=["plan", "digest", "affiliate", "currency"], name="plan_effect_once"),
            models.CheckConstraint(
                condition=Q(after__gte=F("before"), expected_after__gte=F("expected_before")),
                name="plan_effect_is_no_loss",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.affiliate} in {self.currency}"


class WhatIf(models.Model):
    """A calculation of what rules would have paid for a past period. Its lines are the result; nothing is booked."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for a worker")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    public_id = models.CharField(max_length=16, unique=True, default=what_if_id, editable=False)
    plan = models.ForeignKey(CommissionPlan, models.PROTECT, related_name="what_ifs")
    draft = models.ForeignKey(DraftVersion, models.PROTECT, null=True, related_name="what_ifs")
    tried = models.CharField(max_length=200, help_text=_("What was tried, by name."))
    rules = models.JSONField(
        help_text=_("As a version file lists them; what the draft says now may be something else.")
    )
    digest = models.CharField(max_length=64)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    asked_at = models.DateTimeField(default=timezone.now)
    # Null: a command.
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    done = models.PositiveIntegerField(default=0, help_text=_("Events that are compared."))
    total = models.PositiveIntegerField(default=0, help_text=_("Events to compare."))
    examples = models.JSONField(default=list, help_text=_("Conversions with both arithmetics in words."))
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("what-if")
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="what_if_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running"], finished_at=None)
                | Q(state__in=["done", "failed"], finished_at__isnull=False),
                name="what_if_ended_has_time",
            ),
        ]
        indexes = [models.Index(fields=["id"], name="what_if_open", condition=Q(state__in=["waiting", "running"]))]

    def __str__(self) -> str:
        return f"{self.tried} on {self.starts_at:%Y-%m-%d} to {self.ends_at:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        """Whether it is still to be worked on."""
        return self.state in (self.State.WAITING, self.State.RUNNING)


class WhatIfLine(models.Model):
    """An affiliate's money in one currency: by the terms in force, and by those that were tried."""

    what_if = models.ForeignKey(WhatIf, models.CASCADE, related_name="lines")
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="+")
    currency = CurrencyField()
    before = AmountField()
    after = AmountField()
    expected_before = AmountField()
    expected_after = AmountField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["what_if", "affiliate", "currency"], name="what_if_line_once"),
        ]

    def __str__(self) -> str:
        return f"{self.affiliate} in {self.currency}"
