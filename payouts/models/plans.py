"""Commission plans, their versions and rules."""

from typing import Any, ClassVar

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from affiliates.models import Affiliate, Offer, User
from conversions.models import Goal
from payouts import events
from payouts.pricing.kind import COLUMNS, Prices
from payouts.pricing.kinds import KINDS, LONGEST_CODE, codes_that_price, kind_choices
from records.append_only import append_only
from records.countries import country_code
from records.money import AmountField, CurrencyField
from records.translation import gettext_lazy as _

# Whose money a version of a plan moves by beginning in the past: affiliates with events of that time that the plan
# prices or will price, and parents with a booked share of them. The names in braces are the plan, from when, until
# when.
AFFECTED = """
WITH covered AS MATERIALIZED (
    SELECT c.id, c.affiliate_id
      FROM conversions_conversion c
      JOIN conversions_goal g ON g.id = c.goal_id
      JOIN payouts_commissionplan p ON p.offer_id = g.offer_id
     WHERE p.id = {plan} AND c.status IN ('approved', 'pending') AND NOT c.is_test
       AND c.occurred_at >= {since} AND c.occurred_at < {until}
       AND CASE WHEN p.affiliate_id IS NOT NULL THEN c.affiliate_id = p.affiliate_id
                ELSE NOT EXISTS (SELECT FROM payouts_planversion v JOIN payouts_commissionplan own ON own.id = v.plan_id
                                  WHERE own.offer_id = p.offer_id AND own.affiliate_id = c.affiliate_id
                                    AND v.effective_from <= c.occurred_at) END)
SELECT affiliate_id FROM covered
 UNION
(SELECT e.affiliate_id
   FROM covered JOIN payouts_ledgerentry e ON e.conversion_id = covered.id
  WHERE e.kind IN ('commission', 'reversal')
  GROUP BY e.affiliate_id, e.conversion_id, e.currency HAVING sum(e.amount) <> 0)
"""

_REFUSE_WITHOUT_CONSENT = f"""
affected := ARRAY({AFFECTED.format(plan="NEW.plan_id", since="NEW.effective_from", until="NEW.created_at")});
lacking := (SELECT affiliate FROM unnest(affected) AS affiliate
             WHERE 'accepted' IS DISTINCT FROM (
                   SELECT c.answer FROM payouts_planconsent c JOIN payouts_draftversion d ON d.id = c.draft_id
                    WHERE d.plan_id = NEW.plan_id AND c.digest = NEW.digest AND c.affiliate_id = affiliate
                    ORDER BY c.id DESC LIMIT 1)
             LIMIT 1);
-- Without consents, each of them must be shown to lose nothing: an effect with a loss cannot be stored.
IF lacking IS NOT NULL AND EXISTS (
    SELECT FROM unnest(affected) AS affiliate
     WHERE NOT EXISTS (SELECT FROM payouts_planeffect e
                        WHERE e.plan_id = NEW.plan_id AND e.digest = NEW.digest AND e.affiliate_id = affiliate)) THEN
    RAISE EXCEPTION 'The version from % on was not agreed to by affiliate %', NEW.effective_from, lacking
        USING ERRCODE = 'integrity_constraint_violation';
END IF;
RETURN NEW;
"""  # noqa: S608 # nosec B608 # of constants only


class CommissionPlan(models.Model):
    """An offer's commission plan. Without an affiliate it is the offer's default; with one it overrides the default."""

    offer = models.ForeignKey(Offer, models.PROTECT, related_name="commission_plans")
    affiliate = models.ForeignKey(
        Affiliate,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="commission_plans",
        help_text=_("Empty: all affiliates."),
    )
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offer", "affiliate"], nulls_distinct=False, name="plan_once_per_offer_affiliate"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlanVersion(models.Model):
    """A plan's rules from a moment on. A new deal is a new version; earlier events keep the old one."""

    plan = models.ForeignKey(CommissionPlan, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    effective_from = models.DateTimeField(help_text=_("Events that happened from this moment on are priced by it."))
    note = models.CharField(max_length=250, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Of plan, beginning and rules (`payouts.plans.documents`); consents name it.
    digest = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)

    class Meta:
        ordering = ["plan", "-number"]
        triggers: ClassVar = [
            *append_only("plan_version_append_only"),
            events.terms_published,
            pgtrigger.Trigger(
                name="plan_version_agreed_to",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__effective_from__lt=pgtrigger.F("new__created_at")),
                declare=[("affected", "bigint[]"), ("lacking", "bigint")],
                func=_REFUSE_WITHOUT_CONSENT,
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="plan_version_once"),
            models.UniqueConstraint(fields=["plan", "effective_from"], name="plan_version_one_start"),
        ]

    def __str__(self) -> str:
        return f"{self.plan} v{self.number}"


class KindField(models.CharField):  # type: ignore[type-arg]
    """The code of a kind of commission. Its choices follow the table; the column does not change with them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"max_length": LONGEST_CODE, "choices": kind_choices}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        del kwargs["choices"]
        return name, "django.db.models.CharField", args, kwargs


def has_its_price() -> Q:
    """Every rule has the columns that its kind is priced by, and no others."""
    found = Q()
    for columns in dict.fromkeys(kind.columns for kind in KINDS.values()):
        codes = [code for code, kind in KINDS.items() if kind.columns == columns]
        empty = {name: "" if name == "currency" else None for name in COLUMNS - columns}
        given = {f"{name}__isnull": False for name in columns - {"currency"}}
        one = Q(kind__in=codes, **empty, **given)
        found |= one & ~Q(currency="") if "currency" in columns else one
    return found


class CommissionRule(models.Model):
    """One rule of a plan version: what an approved conversion earns if the rule applies to it."""

    # The kinds of `payouts.pricing.kinds`, by the names that code calls them: Kind.FLAT.
    Kind: Any = models.TextChoices("Kind", [(code.upper(), (code, kind.label)) for code, kind in KINDS.items()])  # type: ignore[call-overload]

    class Sub(models.TextChoices):
        SUB1 = "sub1", _("sub1")
        SUB2 = "sub2", _("sub2")
        SUB3 = "sub3", _("sub3")
        SUB4 = "sub4", _("sub4")
        SUB5 = "sub5", _("sub5")

    class Period(models.TextChoices):
        DAY = "day", _("Day")
        WEEK = "week", _("Week")
        MONTH = "month", _("Month")
        QUARTER = "quarter", _("Quarter")
        TOTAL = "total", _("All time")

    version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="rules")
    goal = models.ForeignKey(
        Goal, models.PROTECT, null=True, blank=True, related_name="+", help_text=_("Empty: every goal of the offer.")
    )
    kind = KindField()
    amount = AmountField(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("Flat, per lot, or per click.")
    )
    currency = CurrencyField(blank=True, default="", help_text=_("Of the amount."))
    percent = models.DecimalField(
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("Of the revenue, in the currency of the conversion."),
    )
    country = models.CharField(
        max_length=2, blank=True, default="", validators=[country_code], help_text=_("Of the click. Empty: all.")
    )
    sub_name = models.CharField(max_length=4, choices=Sub, blank=True, default="")
    sub_value = models.CharField(max_length=255, blank=True, default="")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True, help_text=_("From this moment on it is no longer valid."))
    is_component = models.BooleanField(default=False, help_text=_("Earns together with the other components (hybrid)."))
    minimum = AmountField(null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("Per conversion."))
    maximum = AmountField(null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("Per conversion."))
    limit_currency = CurrencyField(blank=True, default="", help_text=_("Of minimum, maximum and budget."))
    cap_amount = AmountField(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("Budget per affiliate and period.")
    )
    cap_count = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Paid conversions per affiliate and period.")
    )
    cap_period = models.CharField(max_length=7, choices=Period, blank=True, default="")
    max_months = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text=_("Since the customer's first event.")
    )
    max_payments = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text=_("Paid events per customer.")
    )
    formula = models.JSONField(default=dict, blank=True, help_text=_("Tiers, levels, or deductions, by kind."))

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = append_only("commission_rule_append_only")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "goal", "kind", "country", "sub_name", "sub_value", "valid_from", "valid_until"],
                nulls_distinct=False,
                name="rule_once_per_selection",
            ),
            models.CheckConstraint(name="rule_has_its_price", condition=has_its_price()),
            models.CheckConstraint(
                name="rule_cap_has_period",
                condition=Q(cap_period="", cap_amount=None, cap_count=None)
                | ~Q(cap_period="") & (Q(cap_amount__isnull=False) | Q(cap_count__isnull=False)),
            ),
            models.CheckConstraint(
                name="rule_limits_have_currency",
                condition=Q(minimum=None, maximum=None, cap_amount=None) | ~Q(limit_currency=""),
            ),
            models.CheckConstraint(
                name="rule_ends_after_it_begins",
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_until__gt=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.goal_name}"

    @property
    def goal_name(self) -> str:
        if self.kind in codes_that_price(Prices.CLICKS):
            return "Click"
        return self.goal.name if self.goal else "every goal"


class WorkedExample(models.Model):
    """Events with their expected lines. A version whose examples give other lines is refused."""

    class By(models.TextChoices):
        EVENT = "event", _("Event")
        MONTH = "month", _("Month")

    version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="examples")
    position = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=120)
    by = models.CharField(_("lines by"), max_length=5, choices=By, default=By.EVENT)
    events = models.JSONField(help_text=_("`payouts/plans/examples.py` gives the form."))
    expected = models.JSONField(help_text=_("The lines by event or month, rule and receiver."))

    class Meta:
        ordering = ["version", "position"]
        triggers: ClassVar = append_only("worked_example_append_only")
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="worked_example_once_per_position"),
        ]

    def __str__(self) -> str:
        return self.name
