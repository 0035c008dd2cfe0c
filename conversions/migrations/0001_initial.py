import datetime
from decimal import Decimal

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import conversions.qualification_kinds.table
import conversions.reasons.codes
import records.money
import records.public_ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("affiliates", "0001_initial"),
        ("tracking", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "advertiser",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="customers",
                        to="affiliates.advertiser",
                    ),
                ),
                ("customer_id", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("advertiser", "customer_id"), name="customer_once_per_advertiser")
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomerLock",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="locks", to="conversions.customer"
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.offer"
                    ),
                ),
                (
                    "enrollment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.enrollment"
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tracking.trackinglink",
                    ),
                ),
                ("click_id", models.UUIDField(null=True)),
                ("locked_at", models.DateTimeField(help_text="When the customer's first event happened.")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "offer"), name="lock_once_per_customer_and_offer")
                ],
            },
        ),
        migrations.CreateModel(
            name="Touch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="touches", to="conversions.customer"
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.offer"
                    ),
                ),
                (
                    "enrollment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.enrollment"
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tracking.trackinglink"
                    ),
                ),
                ("click_id", models.UUIDField()),
                ("at", models.DateTimeField(help_text="When the click was made.")),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="touch_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="f27e02389d5395aaaa83f230dceebc75e5a76397",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_touch_append_only_e3ff2",
                            table="conversions_touch",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="touch_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="ca02aaee59b41007282e724983bf4e44d12c34f6",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_touch_append_only_whole_f636a",
                            table="conversions_touch",
                            when="BEFORE",
                        ),
                    ),
                ],
                "verbose_name_plural": "touches",
                "ordering": ["at", "id"],
                "constraints": [models.UniqueConstraint(fields=("customer", "click_id"), name="touch_once_per_click")],
            },
        ),
        migrations.CreateModel(
            name="Goal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="goals", to="affiliates.offer"
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        help_text="What the postback sends as event_type.",
                        max_length=40,
                        validators=[
                            django.core.validators.RegexValidator("^[a-z0-9_]+$", "Lower-case letters, digits and _.")
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("registration", "Registration"),
                            ("kyc", "Identity check"),
                            ("ftd", "First deposit (FTD)"),
                            ("deposit", "Deposit"),
                            ("trade", "Trade"),
                            ("purchase", "Purchase"),
                            ("subscription", "Subscription"),
                            ("net_revenue", "Net revenue"),
                            ("custom", "Custom"),
                        ],
                        max_length=14,
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0, help_text="Order in the funnel.")),
                ("is_active", models.BooleanField(default=True)),
                (
                    "approval",
                    models.CharField(
                        choices=[
                            ("at_once", "Approved at once"),
                            ("after_delay", "Approved after a delay"),
                            ("by_hand", "Approved by an operator"),
                        ],
                        default="by_hand",
                        max_length=11,
                    ),
                ),
                (
                    "approval_delay",
                    models.DurationField(blank=True, help_text="For approval after a delay: 14 00:00:00.", null=True),
                ),
                (
                    "attribution_window",
                    models.DurationField(blank=True, help_text="In place of the offer's window.", null=True),
                ),
                (
                    "attribution_window_minimum",
                    models.DurationField(
                        blank=True, help_text="In place of the offer's minimum; 0 lets every event count.", null=True
                    ),
                ),
                ("needs_customer_id", models.BooleanField(default=False)),
                ("needs_revenue", models.BooleanField(default=False)),
                (
                    "once_per_customer",
                    models.BooleanField(
                        default=False,
                        help_text="A second event of the same customer is rejected, as for a registration or an FTD.",
                    ),
                ),
                (
                    "dedupe_by",
                    models.CharField(
                        choices=[
                            ("transaction", "Each transaction, else each click"),
                            ("click", "Each click"),
                            ("customer", "Each customer, once ever"),
                        ],
                        default="transaction",
                        help_text="What makes two postbacks the same event: the second is answered as a duplicate, whatever it says.",
                        max_length=11,
                        verbose_name="counts once for",
                    ),
                ),
                (
                    "dedupe_window",
                    models.DurationField(
                        blank=True,
                        help_text="Without a transaction ID: the same click counts again after this time; empty: never.",
                        null=True,
                        verbose_name="counts again after",
                    ),
                ),
                (
                    "minimum_revenue",
                    records.money.AmountField(
                        blank=True,
                        help_text="In the offer's currency; an event below it is rejected.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "ordering": ["offer", "position", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("offer", "code"), name="goal_code_once_per_offer"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("approval", "after_delay"), _negated=True),
                            ("approval_delay__gt", datetime.timedelta(0)),
                            _connector="OR",
                        ),
                        name="goal_delay_given",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("attribution_window", None),
                            ("attribution_window__gt", datetime.timedelta(0)),
                            _connector="OR",
                        ),
                        name="goal_window_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("attribution_window_minimum", None),
                            ("attribution_window_minimum__gte", datetime.timedelta(0)),
                            _connector="OR",
                        ),
                        name="goal_window_minimum_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("dedupe_by", "customer"), _negated=True),
                            ("needs_customer_id", True),
                            _connector="OR",
                        ),
                        name="goal_once_for_customer_knows_it",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("dedupe_window", None),
                            models.Q(("dedupe_by", "transaction"), ("dedupe_window__gt", datetime.timedelta(0))),
                            _connector="OR",
                        ),
                        name="goal_counts_again_later",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Conversion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=records.public_ids.conversion_id, editable=False, max_length=24, unique=True
                    ),
                ),
                (
                    "advertiser",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conversions",
                        to="affiliates.advertiser",
                    ),
                ),
                (
                    "goal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="conversions", to="conversions.goal"
                    ),
                ),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conversions",
                        to="affiliates.affiliate",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conversions",
                        to="tracking.trackinglink",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conversions",
                        to="conversions.customer",
                    ),
                ),
                ("click_id", models.UUIDField(db_index=True, null=True)),
                (
                    "evidence",
                    models.CharField(
                        choices=[
                            ("row", "The stored click"),
                            ("signature", "By signature, no stored click"),
                            ("legacy", "An imported click ID of another platform"),
                            ("lock", "The customer's lock"),
                            ("touch", "An earlier click of the customer"),
                            ("coupon", "A coupon code"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "reported_by",
                    models.CharField(
                        choices=[
                            ("native", "Postback"),
                            ("pixel", "Pixel"),
                            ("bulk", "Bulk API"),
                            ("csv", "CSV import"),
                            ("replay", "Replay"),
                        ],
                        default="native",
                        max_length=8,
                    ),
                ),
                ("transaction_id", models.CharField(db_index=True, default="", max_length=100)),
                ("dedupe_key", models.CharField(max_length=200)),
                ("is_test", models.BooleanField(default=False, help_text="Judged and shown, never counted or paid.")),
                ("revenue", records.money.AmountField(help_text="The operator's income, as sent.", null=True)),
                (
                    "refunded",
                    records.money.AmountField(
                        db_default=0, default=0, editable=False, help_text="What the customer got back of it."
                    ),
                ),
                ("volume", records.money.AmountField(help_text="Lots traded, as sent.", null=True)),
                (
                    "deductions",
                    models.JSONField(db_default={}, default=dict, help_text="What the sender takes off, by name."),
                ),
                (
                    "extras",
                    models.JSONField(
                        blank=True,
                        db_default={},
                        default=dict,
                        help_text="Parameters that no rule reads, by name, as sent.",
                    ),
                ),
                (
                    "payout",
                    records.money.AmountField(
                        help_text="The sender's word for the commission; plans may use or ignore it.", null=True
                    ),
                ),
                ("currency", records.money.CurrencyField()),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "Pending"), ("approved", "Approved"), ("rejected", "Rejected")],
                        max_length=8,
                    ),
                ),
                ("reason", models.CharField(choices=conversions.reasons.codes.reason_choices, max_length=40)),
                (
                    "occurred_at",
                    models.DateTimeField(help_text="The sender's word: windows, tiers and plan versions go by it."),
                ),
                ("received_at", models.DateTimeField(help_text="Our clock: booking goes by it.")),
                (
                    "approve_at",
                    models.DateTimeField(help_text="When a pending conversion is approved by itself.", null=True),
                ),
                (
                    "booked_at",
                    models.DateTimeField(help_text="When the ledger last caught up; empty means due.", null=True),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="conversion_status_has_reason",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."status" IS DISTINCT FROM (NEW."status"))',
                            constraint="CONSTRAINT",
                            func="\nIF (SELECT (array_agg(to_status ORDER BY id DESC))[1] FROM conversions_statuschange WHERE conversion_id = NEW.id)\n        IS DISTINCT FROM (SELECT status FROM conversions_conversion WHERE id = NEW.id) THEN\n    RAISE EXCEPTION 'The status of conversion % changed without a status change that says so', NEW.public_id\n        USING ERRCODE = 'integrity_constraint_violation';\nEND IF;\nRETURN NULL;\n",
                            hash="8859b16c74e848bd8a9f0387f42dfb5ae296862c",
                            operation='UPDATE OF "status"',
                            pgid="pgtrigger_conversion_status_has_reason_535ab",
                            table="conversions_conversion",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    )
                ],
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["affiliate", "-received_at"], name="conversion_by_affiliate"),
                    models.Index(fields=["customer", "goal"], name="conversion_by_customer"),
                    models.Index(fields=["goal", "received_at"], name="conversion_by_goal"),
                    models.Index(fields=["received_at"], name="conversion_by_time"),
                    models.Index(
                        condition=models.Q(("approve_at", None), ("status", "pending")),
                        fields=["received_at"],
                        name="conversion_waiting",
                    ),
                    models.Index(condition=models.Q(("booked_at", None)), fields=["id"], name="conversion_unbooked"),
                    models.Index(
                        condition=models.Q(("approve_at__isnull", False)),
                        fields=["approve_at"],
                        name="conversion_to_approve",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(("extras", {}), _negated=True),
                        fields=["extras"],
                        name="conversion_by_extra",
                        opclasses=["jsonb_path_ops"],
                    ),
                    models.Index(
                        condition=models.Q(("evidence", "signature")), fields=["id"], name="conversion_by_signature"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("advertiser", "dedupe_key"), name="conversion_once"),
                    models.CheckConstraint(
                        condition=models.Q(("approve_at", None), ("status", "pending"), _connector="OR"),
                        name="only_pending_waits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded", 0),
                            models.Q(("refunded__gt", 0), ("refunded__lte", models.F("revenue"))),
                            _connector="OR",
                        ),
                        name="refunded_within_revenue",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Postback",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=records.public_ids.postback_id, editable=False, max_length=24, unique=True
                    ),
                ),
                ("received_at", models.DateTimeField(db_index=True)),
                (
                    "endpoint",
                    models.CharField(
                        choices=[
                            ("native", "Postback"),
                            ("pixel", "Pixel"),
                            ("bulk", "Bulk API"),
                            ("csv", "CSV import"),
                            ("replay", "Replay"),
                        ],
                        default="native",
                        max_length=8,
                    ),
                ),
                (
                    "mapping",
                    models.CharField(
                        default="native", help_text="Whose parameter names it was read by.", max_length=60
                    ),
                ),
                ("method", models.CharField(max_length=7)),
                ("path", models.CharField(max_length=200)),
                (
                    "parameters",
                    models.JSONField(help_text="Pairs of name and value in the order sent; secrets are masked."),
                ),
                (
                    "body",
                    models.TextField(
                        default="", help_text="Kept as sent only when it could not be read as parameters."
                    ),
                ),
                ("headers", models.JSONField(default=dict)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("is_secure", models.BooleanField(default=False)),
                ("token_digest", models.CharField(default="", max_length=64)),
                (
                    "signature",
                    models.CharField(default="", help_text="valid, bad or stale; empty: it had none.", max_length=5),
                ),
                (
                    "advertiser",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postbacks",
                        to="affiliates.advertiser",
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("accepted", "Accepted"),
                            ("updated", "Updated"),
                            ("duplicate", "Duplicate"),
                            ("held", "Held"),
                            ("rejected", "Rejected"),
                            ("invalid", "Invalid"),
                            ("unauthorized", "Unauthorized"),
                            ("forbidden", "Forbidden"),
                            ("unknown_click", "Unknown click"),
                            ("conflict", "Conflict"),
                        ],
                        default="",
                        max_length=13,
                    ),
                ),
                (
                    "reason",
                    models.CharField(choices=conversions.reasons.codes.reason_choices, default="", max_length=40),
                ),
                ("click_id", models.UUIDField(db_index=True, null=True)),
                ("transaction_id", models.CharField(db_index=True, default="", max_length=100)),
                ("fingerprint", models.CharField(default="", max_length=64)),
                (
                    "conversion",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postbacks",
                        to="conversions.conversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("decided_at", None)), fields=["received_at"], name="postback_undecided"
                    ),
                    models.Index(
                        condition=models.Q(("outcome", "unauthorized")),
                        fields=["ip", "received_at"],
                        name="postback_unauthorized",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ParkedPostback",
            fields=[
                (
                    "postback",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="parked",
                        serialize=False,
                        to="conversions.postback",
                    ),
                ),
                (
                    "advertiser",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.advertiser"
                    ),
                ),
                (
                    "waits_for",
                    models.CharField(
                        choices=[
                            ("customer", "The customer's first event"),
                            ("sale", "The sale of that transaction"),
                            ("link", "The link of its click"),
                        ],
                        max_length=8,
                    ),
                ),
                ("awaited", models.CharField(max_length=150)),
                (
                    "occurred_at",
                    models.DateTimeField(help_text="Those that wait for the same are decided in this order."),
                ),
                ("parked_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("next_try_at", models.DateTimeField()),
                (
                    "is_repeat",
                    models.BooleanField(default=False, help_text="Another that waits already says the same."),
                ),
            ],
            options={
                "ordering": ["occurred_at", "postback"],
                "indexes": [
                    models.Index(fields=["advertiser", "waits_for", "awaited"], name="parked_by_awaited"),
                    models.Index(fields=["next_try_at"], name="parked_due"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatusChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "conversion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="status_changes",
                        to="conversions.conversion",
                    ),
                ),
                (
                    "from_status",
                    models.CharField(
                        choices=[("pending", "Pending"), ("approved", "Approved"), ("rejected", "Rejected")],
                        default="",
                        max_length=8,
                    ),
                ),
                (
                    "to_status",
                    models.CharField(
                        choices=[("pending", "Pending"), ("approved", "Approved"), ("rejected", "Rejected")],
                        max_length=8,
                    ),
                ),
                ("reason", models.CharField(choices=conversions.reasons.codes.reason_choices, max_length=40)),
                ("note", models.CharField(default="", max_length=250)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("postback", "Postback"),
                            ("operator", "Operator"),
                            ("automatic", "Automatic approval"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "postback",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="status_changes",
                        to="conversions.postback",
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now
                    ),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="status_change_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="fd3308043f401437d4f5d7bab70ad9be50675d4e",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_status_change_append_only_b5adf",
                            table="conversions_statuschange",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="status_change_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="1e224d302616bcd613dd6a8751fbd665bbe1302f",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_status_change_append_only_whole_037a0",
                            table="conversions_statuschange",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="status_change_follows",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nIF NEW.from_status <> (SELECT (array_agg(to_status ORDER BY id DESC))[1] FROM conversions_statuschange\n        WHERE conversion_id = NEW.conversion_id) THEN\n    RAISE EXCEPTION 'A status change from % does not follow the last one', coalesce(nullif(NEW.from_status, ''), 'new')\n        USING ERRCODE = 'integrity_constraint_violation';\nEND IF;\nRETURN NEW;\n",
                            hash="2ada7a7acf222b91460dbdd6c19b0e478197e94f",
                            operation="INSERT",
                            pgid="pgtrigger_status_change_follows_0d5ef",
                            table="conversions_statuschange",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("from_status", ""),
                            models.Q(("from_status", "pending"), ("to_status__in", ["approved", "rejected"])),
                            models.Q(("from_status", "approved"), ("to_status", "rejected")),
                            models.Q(("from_status", "rejected"), ("to_status", "approved")),
                            models.Q(("from_status", "rejected"), ("reason", "corrected"), ("to_status", "pending")),
                            _connector="OR",
                        ),
                        name="status_change_allowed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("from_status", models.F("to_status")), _negated=True),
                        name="status_change_changes",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Trace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "postback",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="traces",
                        to="conversions.postback",
                    ),
                ),
                (
                    "conversion",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="traces",
                        to="conversions.conversion",
                    ),
                ),
                ("decided_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("accepted", "Accepted"),
                            ("updated", "Updated"),
                            ("duplicate", "Duplicate"),
                            ("held", "Held"),
                            ("rejected", "Rejected"),
                            ("invalid", "Invalid"),
                            ("unauthorized", "Unauthorized"),
                            ("forbidden", "Forbidden"),
                            ("unknown_click", "Unknown click"),
                            ("conflict", "Conflict"),
                        ],
                        max_length=13,
                    ),
                ),
                ("reason", models.CharField(choices=conversions.reasons.codes.reason_choices, max_length=40)),
                ("http_status", models.PositiveSmallIntegerField()),
                (
                    "problems",
                    models.JSONField(default=list, help_text="Faults found in the request, each with its remedy."),
                ),
                ("steps", models.JSONField(help_text="Objects of step, result, rule, input and note, in order.")),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="trace_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="862376f07cad3ef8c712b46335530ba064a79d16",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_trace_append_only_49448",
                            table="conversions_trace",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="trace_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="c7d9e6841070eb5d815d8936f2c0a2ce7be1ff55",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_trace_append_only_whole_4c1e7",
                            table="conversions_trace",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Appeal",
            fields=[
                (
                    "conversion",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="appeal",
                        serialize=False,
                        to="conversions.conversion",
                    ),
                ),
                ("words", models.CharField(max_length=1000)),
                ("evidence_url", models.URLField(blank=True, max_length=500, verbose_name="evidence")),
                (
                    "appealed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "owner",
                    models.ForeignKey(
                        help_text="Who answers.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("due_at", models.DateTimeField(help_text="Until when the affiliate was promised an answer.")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("upheld", "Upheld"), ("dismissed", "Dismissed")],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("note", models.CharField(blank=True, default="", help_text="The affiliate reads it.", max_length=250)),
                ("resolved_at", models.DateTimeField(null=True)),
                (
                    "resolved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["opened_at"],
                "indexes": [models.Index(condition=models.Q(("state", "open")), fields=["due_at"], name="appeal_open")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("note", ""), ("resolved_at", None), ("resolved_by", None), ("state", "open")),
                            models.Q(
                                ("resolved_at__isnull", False),
                                ("state__in", ["upheld", "dismissed"]),
                                models.Q(("note", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="appeal_decided_whole",
                    ),
                    models.CheckConstraint(condition=models.Q(("words", ""), _negated=True), name="appeal_says_why"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ConflictReview",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "conversion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conflicts",
                        to="conversions.conversion",
                    ),
                ),
                (
                    "postback",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="conflict", to="conversions.postback"
                    ),
                ),
                ("fingerprint", models.CharField(max_length=64)),
                ("opened_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(null=True)),
                (
                    "resolution",
                    models.CharField(
                        choices=[("accepted", "New amount accepted"), ("dismissed", "Dismissed")],
                        default="",
                        max_length=9,
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("note", models.CharField(default="", max_length=250)),
            ],
            options={
                "verbose_name": "conflict",
                "ordering": ["id"],
                "indexes": [
                    models.Index(condition=models.Q(("resolved_at", None)), fields=["opened_at"], name="conflict_open")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("conversion", "fingerprint"), name="conflict_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("resolution", ""), ("resolved_at", None), ("resolved_by", None)),
                            models.Q(
                                ("resolved_at__gte", models.F("opened_at")),
                                ("resolved_by__isnull", False),
                                models.Q(("resolution", ""), _negated=True),
                                models.Q(("note", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="conflict_decided_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "conversion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrections",
                        to="conversions.conversion",
                    ),
                ),
                (
                    "postback",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="correction",
                        to="conversions.postback",
                    ),
                ),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
                ("note", models.CharField(default="", max_length=250)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now, help_text="Our clock.")),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="correction_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="e1800de2a4b39c417430fdbf052e0c7e8a2e4030",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_correction_append_only_a5b86",
                            table="conversions_correction",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="correction_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="50bb1e3a27f42bff8b355ef8ef86f9e3dbeefba4",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_correction_append_only_whole_e774b",
                            table="conversions_correction",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="SenderMapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "slug",
                    models.CharField(
                        help_text="Postbacks go to /d/NAME/postback. It cannot be changed later: stored requests name it.",
                        max_length=40,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9-]*\\Z", "Lower-case letters, digits and -, a letter or digit first."
                            )
                        ],
                        verbose_name="name in the address",
                    ),
                ),
                ("name", models.CharField(help_text="What operators call the sender.", max_length=80)),
                (
                    "advertiser",
                    models.ForeignKey(
                        blank=True,
                        help_text="Only this advertiser's postbacks are taken at the address; empty: every advertiser's.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mappings",
                        to="affiliates.advertiser",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Switched off, the address answers 410; stored requests are still read by the mapping.",
                    ),
                ),
                (
                    "names",
                    models.JSONField(
                        default=dict, help_text="By our field, the sender's names for it in the order of trying."
                    ),
                ),
                (
                    "defaults",
                    models.JSONField(
                        blank=True, default=dict, help_text="By our field, what counts where none was sent."
                    ),
                ),
                (
                    "goals",
                    models.JSONField(blank=True, default=dict, help_text="The sender's words for goals, with ours."),
                ),
                (
                    "statuses",
                    models.JSONField(
                        blank=True, default=dict, help_text="The sender's words for the status, with ours."
                    ),
                ),
                ("tokens", models.JSONField(blank=True, default=list, help_text="Names of the token beside `token`.")),
                (
                    "minor_units",
                    models.BooleanField(
                        default=False,
                        help_text="Amounts come in the currency's smallest unit: 1250 is 12.50.",
                        verbose_name="smallest unit",
                    ),
                ),
                (
                    "adds_lists",
                    models.BooleanField(
                        default=False,
                        help_text="Amounts may come as a list parted by |, which is added up.",
                        verbose_name="lists of amounts",
                    ),
                ),
                ("time_format", models.CharField(blank=True, max_length=40)),
                ("time_zone", models.CharField(default="UTC", max_length=40)),
                ("answers_as", models.CharField(default="native", max_length=40)),
                (
                    "content_type",
                    models.CharField(
                        choices=[
                            ("text/plain", "text/plain"),
                            ("application/json", "application/json"),
                            ("text/xml", "text/xml"),
                            ("application/xml", "application/xml"),
                        ],
                        default="text/plain",
                        max_length=40,
                    ),
                ),
                ("taken_body", models.TextField(blank=True, default="OK", verbose_name="answer to what was taken")),
                ("duplicate_body", models.TextField(blank=True, default="OK", verbose_name="answer to a duplicate")),
                (
                    "refused_body",
                    models.TextField(blank=True, default="ERROR {message}", verbose_name="answer to a refusal"),
                ),
                (
                    "refused_status",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "The status that says what was wrong: 401, 403, 404, 409, 422 …"),
                            (400, "400 for every refusal"),
                            (200, "200: the body alone says that it was refused"),
                        ],
                        default=0,
                        verbose_name="HTTP status of a refusal",
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, editable=False, help_text="Counts the changes; traces name it."
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "mapping",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("content_type__in", ("text/plain", "application/json", "text/xml", "application/xml"))
                        ),
                        name="mapping_content_type_runs_nowhere",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("slug__regex", "^[a-z0-9][a-z0-9-]*$")), name="mapping_slug_in_address"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="QualificationRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "goal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rules", to="conversions.goal"
                    ),
                ),
                ("kind", models.CharField(choices=conversions.qualification_kinds.table.kind_choices, max_length=20)),
                (
                    "amount",
                    records.money.AmountField(
                        blank=True,
                        help_text="The minimum: for amounts in the offer's currency, for volume in its own unit.",
                        null=True,
                    ),
                ),
                (
                    "factor",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="For volume: so many times the event's own amount, in place of a fixed minimum.",
                        max_digits=8,
                        null=True,
                    ),
                ),
                (
                    "other_goal",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whose events are added up, that comes first, or from which the time is counted (else the click).",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="conversions.goal",
                    ),
                ),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=2,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "^[A-Z]{2}$", "A country is two capitals, as in ISO 3166: DE, BR."
                                )
                            ],
                        ),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("at_least", models.DurationField(blank=True, help_text="Sooner is rejected.", null=True)),
                ("at_most", models.DurationField(blank=True, help_text="Later is rejected.", null=True)),
                (
                    "number",
                    models.PositiveIntegerField(blank=True, help_text="How many count in the period.", null=True),
                ),
                (
                    "scope",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("affiliate", "Each affiliate"),
                            ("goal", "All affiliates together, this goal"),
                            ("offer", "All affiliates together, all goals of the offer"),
                        ],
                        default="",
                        max_length=9,
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("day", "Day (UTC)"),
                            ("week", "Week (UTC, from Monday)"),
                            ("month", "Month (UTC)"),
                            ("total", "For ever"),
                        ],
                        default="",
                        max_length=5,
                    ),
                ),
                (
                    "over_cap",
                    models.CharField(
                        choices=[("reject", "Rejected"), ("hold", "Held for an operator")],
                        default="reject",
                        max_length=6,
                    ),
                ),
                (
                    "within",
                    models.DurationField(
                        blank=True,
                        help_text="How long after the event it may still be met; empty: for ever.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "ordering": ["goal", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind", "accumulated"),
                                ("amount__gt", 0),
                                ("amount__isnull", False),
                                ("at_least", None),
                                ("at_most", None),
                                ("countries", []),
                                ("factor", None),
                                ("number", None),
                                ("over_cap", "reject"),
                                ("period", ""),
                                ("scope", ""),
                            ),
                            models.Q(
                                ("kind", "wagering"),
                                models.Q(
                                    models.Q(("amount__gt", 0), ("amount__isnull", False), ("factor", None)),
                                    models.Q(("amount", None), ("factor__gt", 0), ("factor__isnull", False)),
                                    _connector="OR",
                                ),
                                ("other_goal__isnull", False),
                                ("at_least", None),
                                ("at_most", None),
                                ("countries", []),
                                ("number", None),
                                ("over_cap", "reject"),
                                ("period", ""),
                                ("scope", ""),
                            ),
                            models.Q(
                                ("kind", "kyc"),
                                ("other_goal__isnull", False),
                                ("amount", None),
                                ("at_least", None),
                                ("at_most", None),
                                ("countries", []),
                                ("factor", None),
                                ("number", None),
                                ("over_cap", "reject"),
                                ("period", ""),
                                ("scope", ""),
                            ),
                            models.Q(
                                ("kind", "requires"),
                                ("other_goal__isnull", False),
                                models.Q(("other_goal", models.F("goal")), _negated=True),
                                ("amount", None),
                                ("at_least", None),
                                ("at_most", None),
                                ("countries", []),
                                ("factor", None),
                                ("number", None),
                                ("over_cap", "reject"),
                                ("period", ""),
                                ("scope", ""),
                            ),
                            models.Q(
                                ("kind", "country"),
                                ("countries__len__gt", 0),
                                ("amount", None),
                                ("at_least", None),
                                ("at_most", None),
                                ("factor", None),
                                ("number", None),
                                ("other_goal", None),
                                ("over_cap", "reject"),
                                ("period", ""),
                                ("scope", ""),
                                ("within", None),
                            ),
                            models.Q(
                                ("kind", "time"),
                                models.Q(("at_least__isnull", False), ("at_most__isnull", False), _connector="OR"),
                                ("amount", None),
                                ("countries", []),
                                ("factor", None),
                                ("number", None),
                                ("over_cap", "reject"),
                                ("period", ""),
                                ("scope", ""),
                            ),
                            models.Q(
                                ("kind", "cap"),
                                ("number__isnull", False),
                                models.Q(("scope", ""), _negated=True),
                                models.Q(("period", ""), _negated=True),
                                ("amount", None),
                                ("at_least", None),
                                ("at_most", None),
                                ("countries", []),
                                ("factor", None),
                                ("other_goal", None),
                                ("within", None),
                            ),
                            _connector="OR",
                        ),
                        name="rule_is_complete",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("within", None), ("within__gt", datetime.timedelta(0)), _connector="OR"),
                        name="rule_within_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="QualificationWait",
            fields=[
                (
                    "conversion",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="qualification_wait",
                        serialize=False,
                        to="conversions.conversion",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="conversions.customer",
                    ),
                ),
                ("waiting_for", models.JSONField(help_text="Objects of rule, text and until.")),
                (
                    "sent_status",
                    models.CharField(
                        default="", help_text="The sender's status, which holds once the rules are met.", max_length=8
                    ),
                ),
                (
                    "deadline",
                    models.DateTimeField(help_text="When waiting is over and the event is rejected.", null=True),
                ),
                ("opened_at", models.DateTimeField()),
                ("looked_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("ended_at", None)), fields=["customer"], name="wait_by_customer"),
                    models.Index(condition=models.Q(("ended_at", None)), fields=["looked_at"], name="wait_to_look_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "conversion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="refunds", to="conversions.conversion"
                    ),
                ),
                ("amount", records.money.AmountField(validators=[django.core.validators.MinValueValidator(0)])),
                ("refund_id", models.CharField(blank=True, max_length=100, verbose_name="Refund ID")),
                ("note", models.CharField(blank=True, max_length=250)),
                ("occurred_at", models.DateTimeField(help_text="When the customer got it back, by the sender's word.")),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now, help_text="Our clock.")),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "postback",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="conversions.postback",
                    ),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="refund_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="3801a3cfea500a98af51bc44f1b720d66d336214",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_refund_append_only_2ccf7",
                            table="conversions_refund",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="refund_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="cf291e1b85928da06cc83785f28ac6c4bb6072d6",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_refund_append_only_whole_59e6e",
                            table="conversions_refund",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="refund_adds_up",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nUPDATE conversions_conversion SET refunded = refunded + NEW.amount, booked_at = NULL WHERE id = NEW.conversion_id;\nRETURN NULL;\n",
                            hash="4919b92669533a296fd81e04f9d84e6028ab2d09",
                            operation="INSERT",
                            pgid="pgtrigger_refund_adds_up_8b7a2",
                            table="conversions_refund",
                            when="AFTER",
                        ),
                    ),
                ],
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="refund_above_zero"),
                    models.UniqueConstraint(
                        condition=models.Q(("refund_id", ""), _negated=True),
                        fields=("conversion", "refund_id"),
                        name="refund_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RiskPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "customers_per_click",
                    models.PositiveSmallIntegerField(
                        default=3,
                        help_text="So many customers of one click are many.",
                        validators=[django.core.validators.MinValueValidator(2)],
                    ),
                ),
                (
                    "customers_per_address",
                    models.PositiveSmallIntegerField(
                        default=4,
                        help_text="So many customers from one address are many.",
                        validators=[django.core.validators.MinValueValidator(2)],
                    ),
                ),
                ("address_period", models.DurationField(default=datetime.timedelta(days=7), help_text="In this time.")),
                (
                    "fast_seconds",
                    models.PositiveIntegerField(default=10, help_text="Sooner after the click is too fast."),
                ),
                (
                    "velocity_factor",
                    models.DecimalField(
                        decimal_places=1,
                        default=Decimal("5"),
                        help_text="So many times the usual number is far more.",
                        max_digits=5,
                    ),
                ),
                (
                    "velocity_least",
                    models.PositiveIntegerField(default=30, help_text="Fewer an hour are never far more."),
                ),
                (
                    "offer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="risk_policy", to="affiliates.offer"
                    ),
                ),
                (
                    "threshold",
                    models.PositiveSmallIntegerField(
                        default=100,
                        help_text="From so many points on a conversion is held.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who decides what is held; empty: any operator.",
                        limit_choices_to={"is_staff": True},
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "hold_for",
                    models.DurationField(
                        default=datetime.timedelta(days=14), help_text="A held conversion has this long to be decided."
                    ),
                ),
                (
                    "at_end",
                    models.CharField(
                        choices=[
                            ("approve", "It goes on as if nothing had been found"),
                            ("stay", "It stays held, and the owner is alarmed"),
                        ],
                        default="stay",
                        max_length=7,
                    ),
                ),
                ("bot_click", models.PositiveSmallIntegerField(default=100, help_text="A bot made the click.")),
                (
                    "data_centre",
                    models.PositiveSmallIntegerField(default=50, help_text="The click came from a hosting company."),
                ),
                (
                    "duplicate_click",
                    models.PositiveSmallIntegerField(default=10, help_text="The click repeats one of seconds before."),
                ),
                (
                    "too_fast",
                    models.PositiveSmallIntegerField(default=30, help_text="The event came too soon after the click."),
                ),
                (
                    "country_mismatch",
                    models.PositiveSmallIntegerField(
                        default=40, help_text="Click and event, or click and offer, name different countries."
                    ),
                ),
                (
                    "same_address",
                    models.PositiveSmallIntegerField(default=50, help_text="Many customers came from one address."),
                ),
                (
                    "crowded_click",
                    models.PositiveSmallIntegerField(default=30, help_text="One click brought many customers."),
                ),
                (
                    "self_referral",
                    models.PositiveSmallIntegerField(
                        default=100, help_text="The click came from the affiliate itself."
                    ),
                ),
                (
                    "velocity",
                    models.PositiveSmallIntegerField(default=20, help_text="Far more conversions an hour than usual."),
                ),
            ],
            options={
                "verbose_name_plural": "risk policies",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("threshold__gt", 0)), name="risk_threshold_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("hold_for__gt", datetime.timedelta(0))), name="risk_hold_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RiskReview",
            fields=[
                (
                    "conversion",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="risk_review",
                        serialize=False,
                        to="conversions.conversion",
                    ),
                ),
                ("score", models.PositiveIntegerField()),
                ("threshold", models.PositiveIntegerField()),
                ("parts", models.JSONField(help_text="Objects of mark, points, note and input.")),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="risk_reviews",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sent_status",
                    models.CharField(
                        default="", help_text="The sender's status, which holds after the review.", max_length=8
                    ),
                ),
                (
                    "at_end",
                    models.CharField(
                        choices=[
                            ("approve", "It goes on as if nothing had been found"),
                            ("stay", "It stays held, and the owner is alarmed"),
                        ],
                        max_length=7,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("held_until", models.DateTimeField()),
                (
                    "is_late",
                    models.BooleanField(
                        default=False, help_text="The conversion was approved before the mark was known."
                    ),
                ),
                (
                    "alarmed_at",
                    models.DateTimeField(help_text="When the end date passed without a decision.", null=True),
                ),
                ("resolved_at", models.DateTimeField(null=True)),
                (
                    "resolution",
                    models.CharField(
                        choices=[("approved", "Approved"), ("rejected", "Rejected"), ("ended", "The time ran out")],
                        default="",
                        max_length=8,
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("resolved_at", None)), fields=["held_until"], name="review_open")
                ],
            },
        ),
        migrations.CreateModel(
            name="AddressSighting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "offer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="affiliates.offer",
                    ),
                ),
                ("address_digest", models.BinaryField(max_length=16)),
                ("customer_id", models.CharField(max_length=100)),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["seen_at"], name="sighting_by_time")],
                "constraints": [
                    models.UniqueConstraint(fields=("offer", "address_digest", "customer_id"), name="sighting_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="MemberAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("address_digest", models.BinaryField(max_length=16)),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["address_digest"], name="member_by_address")],
                "constraints": [models.UniqueConstraint(fields=("user", "address_digest"), name="member_address_once")],
            },
        ),
        migrations.CreateModel(
            name="AffiliatePace",
            fields=[
                (
                    "affiliate",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="affiliates.affiliate",
                    ),
                ),
                ("hourly", models.DecimalField(decimal_places=2, max_digits=12)),
                ("counted_at", models.DateTimeField()),
            ],
        ),
    ]
