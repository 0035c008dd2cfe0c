"""Qualification rules of a goal, and the holds of conversions that do not meet them yet."""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from conversions.qualification_kinds.base import UNUSED, CapPeriod, LooksBack, OverCap, QualificationKind, Scope
from conversions.qualification_kinds.table import KINDS, kind_choices, kind_of, rule_is_complete
from records.countries import country_code
from records.money import AmountField
from records.translation import gettext_lazy as _


class QualificationRule(models.Model):
    """A condition that an event must meet before it counts; all rules of a goal must be met.

    The two most common rules are fields of the goal itself: `minimum_revenue` and `once_per_customer`. Which of the
    fields a kind uses (`conversions/qualification_kinds/`) is checked here and by the database.
    """

    goal = models.ForeignKey("conversions.Goal", models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=20, choices=kind_choices)
    amount = AmountField(
        null=True,
        blank=True,
        help_text=_("The minimum: for amounts in the offer's currency, for volume in its own unit."),
    )
    factor = models.DecimalField(
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("For volume: so many times the event's own amount, in place of a fixed minimum."),
    )
    other_goal = models.ForeignKey(
        "conversions.Goal",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Whose events are added up, that comes first, or from which the time is counted (else the click)."),
    )
    countries = ArrayField(models.CharField(max_length=2, validators=[country_code]), default=list, blank=True)
    at_least = models.DurationField(null=True, blank=True, help_text=_("Sooner is rejected."))
    at_most = models.DurationField(null=True, blank=True, help_text=_("Later is rejected."))
    number = models.PositiveIntegerField(null=True, blank=True, help_text=_("How many count in the period."))
    scope = models.CharField(max_length=9, choices=Scope, default="", blank=True)
    period = models.CharField(max_length=5, choices=CapPeriod, default="", blank=True)
    over_cap = models.CharField(max_length=6, choices=OverCap, default=OverCap.REJECT)
    within = models.DurationField(
        null=True, blank=True, help_text=_("How long after the event it may still be met; empty: for ever.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["goal", "id"]
        constraints = [
            models.CheckConstraint(name="rule_is_complete", condition=rule_is_complete()),
            models.CheckConstraint(condition=Q(within=None) | Q(within__gt=timedelta(0)), name="rule_within_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.goal})"

    @property
    def goal_name(self) -> str:
        return self.goal.name

    @property
    def currency(self) -> str:
        currency: str = self.goal.offer.currency
        return currency

    @property
    def other_goal_name(self) -> str:
        return self.other_goal.name if self.other_goal else ""

    @property
    def in_words(self) -> str:
        return kind_of(self.kind).words(self)

    @property
    def looks_back(self) -> LooksBack:
        """What must be read before the rule can be evaluated."""
        return kind_of(self.kind).looks_back(self)

    @property
    def looks_at_customer(self) -> bool:
        """Whether the rule depends on the customer's other events."""
        return self.looks_back == LooksBack.CUSTOMER

    def clean(self) -> None:
        """Report, beside the field and in words, what the constraint would refuse."""
        if self.kind in KINDS:
            self._clean_by_kind(KINDS[self.kind])
        if self.other_goal_id and self.goal_id and self.other_goal and self.other_goal.offer_id != self.goal.offer_id:
            raise ValidationError(
                {"other_goal": gettext("{other_goal} belongs to another offer.").format(other_goal=self.other_goal)}
            )

    def _clean_by_kind(self, kind: QualificationKind) -> None:
        wrong: dict[str, str] = {}
        for need in kind.needs:
            try:
                models.CheckConstraint(name="need", condition=need.condition).validate(type(self), self)
            except ValidationError:
                wrong.setdefault(need.field, need.message)
        for name, unused in UNUSED.items():
            attribute = f"{name}_id" if name == "other_goal" else name
            if name not in kind.fields and getattr(self, attribute) != unused:
                wrong[name] = f"For {kind.short} this is not used: leave it {'empty' if not unused else 'as it was'}."
        if wrong:
            raise ValidationError(wrong)


class QualificationWait(models.Model):
    """A pending conversion on hold for rules of its goal; `ended_at` is set when the hold ends."""

    conversion = models.OneToOneField(
        "conversions.Conversion", models.PROTECT, primary_key=True, related_name="qualification_wait"
    )
    customer = models.ForeignKey("conversions.Customer", models.PROTECT, null=True, related_name="+", db_index=False)
    waiting_for = models.JSONField(help_text=_("Objects of rule, text and until."))
    sent_status = models.CharField(
        max_length=8, default="", help_text=_("The sender's status, which holds once the rules are met.")
    )
    deadline = models.DateTimeField(null=True, help_text=_("When waiting is over and the event is rejected."))
    opened_at = models.DateTimeField()
    looked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["customer"], name="wait_by_customer", condition=Q(ended_at=None)),
            models.Index(fields=["looked_at"], name="wait_to_look_at", condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return "; ".join(part["text"] for part in self.waiting_for)
