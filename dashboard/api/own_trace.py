"""REST API: the trace as shown to an affiliate. Each field is listed here; no other field of a row is sent.

The content of a decision's steps and of a conversion's history is selected by the portal's own code
(`dashboard.portal.traces`, `dashboard.portal.queries.conversions`).
"""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from affiliates.api import AdvertiserName, AffiliateName, OfferName
from conversions.api.conversions import HoldSerializer
from conversions.lists.conversions import GoalName
from conversions.models import Appeal, Conversion, StatusChange
from dashboard.portal.queries.conversions import ConversionStory
from payouts.models import LedgerEntry
from payouts.queries import Balance
from web.lists.fields import BalanceSerializer
from web.rest.fields import AmountText, amount_text

BY = {
    StatusChange.Source.OPERATOR: "operator",
    StatusChange.Source.POSTBACK: "advertiser",
    StatusChange.Source.AUTOMATIC: "automatic",
}


class OwnClickSerializer(serializers.Serializer[Any]):
    """A click through a link of one's own."""

    id = serializers.CharField(source="text", read_only=True, help_text="The click ID, 40 characters.")
    clicked_at = serializers.DateTimeField(source="at", read_only=True)
    is_stored = serializers.SerializerMethodField(help_text="False: known by its signature alone.")
    link = serializers.CharField(source="link.code", read_only=True, help_text="The link's code.")
    offer = OfferName(source="link.enrollment.offer", read_only=True)
    labels = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="sub1 to sub10, aff_click_id, source: those given."
    )
    country = serializers.CharField(source="row.country", default="", read_only=True)
    device = serializers.CharField(source="row.device", default="", read_only=True)
    referrer = serializers.CharField(source="row.referrer", default="", read_only=True)

    def get_is_stored(self, click: Any) -> bool:
        return click.row is not None


class OwnStepSerializer(serializers.Serializer[Any]):
    """A step of a decision, in the portal's words."""

    title = serializers.CharField(read_only=True)
    result = serializers.CharField(read_only=True)
    rule = serializers.CharField(read_only=True, help_text="The rule that was used; empty where it is the operator's.")
    note = serializers.CharField(read_only=True, help_text="Why, in words; empty where it is not about your own event.")
    inputs = serializers.SerializerMethodField(help_text="The values that were checked, by name.")

    def get_inputs(self, step: Any) -> dict[str, str]:
        return {str(name): str(value) for name, value in dict(step.inputs).items()}


class OwnDecisionSerializer(serializers.Serializer[Any]):
    decided_at = serializers.DateTimeField(read_only=True)
    outcome = serializers.CharField(read_only=True, help_text="In words.")
    reason = serializers.CharField(read_only=True, help_text="In words.")
    steps = OwnStepSerializer(many=True, read_only=True)


class OwnChangeSerializer(serializers.Serializer[Any]):
    """A change of a conversion's status."""

    at = serializers.DateTimeField(source="change.at", read_only=True)
    status = serializers.ChoiceField(source="change.to_status", choices=Conversion.Status.choices, read_only=True)
    reason = serializers.CharField(source="change.reason", read_only=True)
    reason_text = serializers.CharField(source="change.get_reason_display", read_only=True)
    cause = serializers.CharField(read_only=True, help_text="The explanation of the reason.")
    by = serializers.SerializerMethodField(help_text="operator, advertiser or automatic.")
    note = serializers.CharField(read_only=True, help_text="What the operator wrote to you.")

    @extend_schema_field(serializers.ChoiceField(choices=sorted(BY.values())))
    def get_by(self, row: Any) -> str:
        return BY[row.change.source]


class OwnEntrySerializer(serializers.ModelSerializer[LedgerEntry]):
    """A line of one's own account."""

    amount = AmountText()

    class Meta:
        model = LedgerEntry
        fields = ("sequence", "kind", "amount", "currency", "arithmetic", "booked_at", "hash")
        read_only_fields = fields


class OwnAppealSerializer(serializers.ModelSerializer[Appeal]):
    class Meta:
        model = Appeal
        fields = ("state", "words", "evidence_url", "opened_at", "due_at", "note", "resolved_at")
        read_only_fields = fields


class OwnConversionSerializer(serializers.Serializer[ConversionStory]):
    """A conversion with all that its affiliate may know about it."""

    id = serializers.CharField(source="conversion.public_id", read_only=True)
    affiliate = AffiliateName(source="conversion.affiliate", read_only=True)
    status = serializers.ChoiceField(source="conversion.status", choices=Conversion.Status.choices, read_only=True)
    reason = serializers.CharField(source="conversion.reason", read_only=True)
    reason_text = serializers.CharField(source="conversion.get_reason_display", read_only=True)
    why = serializers.CharField(read_only=True, help_text="The explanation of the reason.")
    offer = OfferName(source="conversion.goal.offer", read_only=True)
    advertiser = AdvertiserName(source="conversion.goal.offer.advertiser", read_only=True)
    goal = GoalName(source="conversion.goal", read_only=True)
    transaction_id = serializers.CharField(source="conversion.transaction_id", read_only=True)
    click_id = serializers.SerializerMethodField(help_text="40 characters; null when a coupon or lock attributed it.")
    link = serializers.CharField(source="conversion.link.code", default=None, read_only=True, allow_null=True)
    evidence = serializers.ChoiceField(
        source="conversion.evidence", choices=Conversion.Evidence.choices, read_only=True
    )
    is_test = serializers.BooleanField(source="conversion.is_test", read_only=True)
    customer = serializers.CharField(read_only=True, help_text="The advertiser's customer ID, its middle hidden.")
    revenue = serializers.SerializerMethodField(
        help_text="The advertiser's income less refunds, where your commission is a share of it; else null."
    )
    currency = serializers.CharField(source="conversion.currency", read_only=True)
    occurred_at = serializers.DateTimeField(source="conversion.occurred_at", read_only=True)
    received_at = serializers.DateTimeField(source="conversion.received_at", read_only=True)
    approve_at = serializers.DateTimeField(source="conversion.approve_at", read_only=True, allow_null=True)
    hold = serializers.SerializerMethodField(help_text="What a pending conversion waits for.")
    commission = serializers.SerializerMethodField(help_text="What is booked for it, by currency.")
    status_changes = OwnChangeSerializer(source="history", many=True, read_only=True)
    decisions = OwnDecisionSerializer(many=True, read_only=True)
    ledger_entries = OwnEntrySerializer(source="entries", many=True, read_only=True)
    appeal = OwnAppealSerializer(read_only=True, allow_null=True)
    appeal_until = serializers.DateTimeField(read_only=True, allow_null=True, help_text="Until when you can appeal.")

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_click_id(self, story: ConversionStory) -> str | None:
        return story.click_text or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_revenue(self, story: ConversionStory) -> str | None:
        return None if story.revenue is None else amount_text(story.revenue, story.conversion.currency)

    @extend_schema_field(HoldSerializer(allow_null=True))
    def get_hold(self, story: ConversionStory) -> dict[str, Any] | None:
        if story.hold is None:
            return None
        shown = {
            "waiting_for": story.waiting_for, "until": story.hold.until, "owner": story.hold.owner_for_affiliate,
        }  # fmt: skip
        return dict(HoldSerializer(shown).data)

    @extend_schema_field(BalanceSerializer(many=True))
    def get_commission(self, story: ConversionStory) -> list[dict[str, Any]]:
        return [dict(BalanceSerializer(Balance(*line)).data) for line in story.earned]


class OwnTraceSerializer(serializers.Serializer[Any]):
    """The answer to an affiliate's key: its own clicks and conversions, in the words of its portal."""

    affiliates = AffiliateName(
        many=True, read_only=True, help_text="The affiliate whose events were searched for the ID."
    )
    clicks = OwnClickSerializer(many=True, read_only=True)
    conversions = OwnConversionSerializer(many=True, read_only=True, help_text="The newest 20, the oldest first.")
