from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import payouts.models.anchors
import records.money
import records.public_ids
import records.secrets


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("affiliates", "0001_initial"),
        ("conversions", "0001_initial"),
        ("tracking", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Statement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="affiliates.affiliate",
                    ),
                ),
                ("number", models.CharField(max_length=30, unique=True)),
                ("currency", records.money.CurrencyField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(help_text="Half-open: the first moment that is no longer in it.")),
                ("first_sequence", models.PositiveBigIntegerField(help_text="First ledger number covered.")),
                ("last_sequence", models.PositiveBigIntegerField(help_text="Last ledger number covered.")),
                ("opening", records.money.AmountField()),
                (
                    "earned",
                    records.money.AmountField(help_text="Commission, reversals, adjustments and VAT in the period."),
                ),
                (
                    "paid",
                    records.money.AmountField(help_text="Payments in the period, as they were booked (negative)."),
                ),
                ("closing", records.money.AmountField()),
                (
                    "held",
                    records.money.AmountField(
                        default=0, help_text="Part of the closing balance that is not paid yet: its hold still runs."
                    ),
                ),
                ("held_until", models.DateTimeField(help_text="When the last of these holds ends.", null=True)),
                (
                    "threshold",
                    records.money.AmountField(
                        default=0, help_text="The least amount that was paid out; below it all is carried over."
                    ),
                ),
                ("closed_at", models.DateTimeField()),
                (
                    "closed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("chain_hash", models.CharField(help_text="The chain at the last number covered.", max_length=64)),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="statement_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="6f5db0877caef1021d5f5a2e3e69fb68a34d1b52",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_statement_append_only_ad66e",
                            table="payouts_statement",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="statement_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="f6b378b8875dadf1daf062291ffedca6dd4df026",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_statement_append_only_whole_0b3ef",
                            table="payouts_statement",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["-ends_at", "number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("affiliate", "currency", "ends_at"), name="statement_once_per_period"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="statement_period_forward"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "closing",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("opening"), "+", models.F("earned")
                                    ),
                                    "+",
                                    models.F("paid"),
                                ),
                            )
                        ),
                        name="statement_adds_up",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutTerms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "affiliate",
                    models.OneToOneField(
                        blank=True,
                        help_text="Empty: all other affiliates.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="payout_terms",
                        to="affiliates.affiliate",
                    ),
                ),
                (
                    "minimum",
                    records.money.AmountField(
                        default=0,
                        help_text="Less than this is carried over to the next statement.",
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "fee",
                    records.money.AmountField(
                        default=0,
                        help_text="Kept back from each payout, as a line of its own.",
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "currency",
                    records.money.CurrencyField(
                        default="EUR", help_text="Of the minimum and the fee; other currencies go by the rate."
                    ),
                ),
                (
                    "hold_days",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Commission is paid so many days after the event at the earliest, for refunds and chargebacks.",
                        validators=[django.core.validators.MaxValueValidator(365)],
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "payout terms",
                "constraints": [
                    models.UniqueConstraint(fields=("affiliate",), name="payout_terms_once", nulls_distinct=False)
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutMethod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payout_methods",
                        to="affiliates.affiliate",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("sepa", "SEPA transfer"),
                            ("wire", "Wire transfer (SWIFT)"),
                            ("paypal", "PayPal"),
                            ("wise", "Wise"),
                            ("crypto", "Crypto currency"),
                        ],
                        max_length=6,
                    ),
                ),
                ("encrypted", models.TextField(editable=False)),
                (
                    "hint",
                    models.CharField(
                        editable=False, help_text="Enough to recognise it by, too little to use it.", max_length=60
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("replaced_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("replaced_at", None)),
                        fields=("affiliate",),
                        name="one_payout_method_in_force",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(default=records.public_ids.batch_id, editable=False, max_length=20, unique=True),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("sepa", "SEPA transfer"),
                            ("wire", "Wire transfer (SWIFT)"),
                            ("paypal", "PayPal"),
                            ("wise", "Wise"),
                            ("crypto", "Crypto currency"),
                        ],
                        max_length=6,
                    ),
                ),
                ("currency", records.money.CurrencyField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Waiting for approval"),
                            ("approved", "Approved"),
                            ("sent", "Sent"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="draft",
                        max_length=9,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("sent_at", models.DateTimeField(blank=True, help_text="When its file was released.", null=True)),
                ("note", models.CharField(blank=True, max_length=250)),
            ],
            options={
                "verbose_name_plural": "payout batches",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_by", None),
                            models.Q(("approved_by", models.F("created_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="batch_needs_four_eyes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["approved", "sent"]), _negated=True),
                            models.Q(("approved_at__isnull", False), ("approved_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="batch_sent_only_approved",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Payout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(default=records.public_ids.payout_id, editable=False, max_length=20, unique=True),
                ),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="payouts", to="affiliates.affiliate"
                    ),
                ),
                (
                    "statement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="payout", to="payouts.statement"
                    ),
                ),
                ("amount", records.money.AmountField()),
                ("currency", records.money.CurrencyField()),
                (
                    "vat",
                    records.money.AmountField(
                        default=0, help_text="Part of the amount: VAT of the statement's invoice and credit notes."
                    ),
                ),
                ("fee", records.money.AmountField(default=0, help_text="Kept back from the amount.")),
                ("sent_amount", records.money.AmountField()),
                ("sent_currency", records.money.CurrencyField()),
                (
                    "rate",
                    models.DecimalField(
                        blank=True,
                        decimal_places=12,
                        help_text="Units sent for one unit of the amount.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                ("rate_day", models.DateField(blank=True, help_text="The day whose rate it is.", null=True)),
                ("rate_source", models.CharField(blank=True, max_length=20)),
                (
                    "batch",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payouts",
                        to="payouts.payoutbatch",
                    ),
                ),
                (
                    "method",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payouts",
                        to="payouts.payoutmethod",
                    ),
                ),
                (
                    "failure",
                    models.CharField(blank=True, help_text="Why the last attempt failed or came back.", max_length=250),
                ),
                (
                    "in_flight",
                    models.CharField(
                        blank=True,
                        help_text="The bank's or wallet's last status, which is not final.",
                        max_length=40,
                        verbose_name="on its way",
                    ),
                ),
                ("in_flight_at", models.DateTimeField(blank=True, null=True, verbose_name="on its way since")),
                (
                    "status",
                    models.CharField(
                        choices=[("due", "Due"), ("paid", "Paid"), ("returned", "Returned")],
                        default="due",
                        max_length=8,
                    ),
                ),
                (
                    "reference",
                    models.CharField(blank=True, help_text="The bank's or wallet's own reference.", max_length=80),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                (
                    "paid_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="payout_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nIF TG_OP = 'DELETE' THEN\n    RAISE EXCEPTION 'Payouts are never deleted' USING ERRCODE = 'integrity_constraint_violation';\nEND IF;\nIF (NEW.id, NEW.public_id, NEW.affiliate_id, NEW.statement_id, NEW.amount, NEW.currency, NEW.vat, NEW.fee,\n    NEW.sent_amount, NEW.sent_currency, NEW.rate, NEW.rate_day, NEW.rate_source, NEW.created_at)\n   IS DISTINCT FROM\n   (OLD.id, OLD.public_id, OLD.affiliate_id, OLD.statement_id, OLD.amount, OLD.currency, OLD.vat, OLD.fee,\n    OLD.sent_amount, OLD.sent_currency, OLD.rate, OLD.rate_day, OLD.rate_source, OLD.created_at) THEN\n    RAISE EXCEPTION 'What a statement made due never changes' USING ERRCODE = 'integrity_constraint_violation';\nEND IF;\nIF OLD.status <> 'due' AND (\n    NEW.status = 'due'\n    OR (NEW.batch_id, NEW.method_id, NEW.reference, NEW.paid_at, NEW.paid_by_id)\n    IS DISTINCT FROM (OLD.batch_id, OLD.method_id, OLD.reference, OLD.paid_at, OLD.paid_by_id)\n) THEN\n    RAISE EXCEPTION 'A payout that was paid may come back, nothing else'\n    USING ERRCODE = 'integrity_constraint_violation';\nEND IF;\nRETURN NEW;\n",
                            hash="625a9f1fc21b3ed25f7569c251ef047caf59f1f6",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_payout_stays_2bbee",
                            table="payouts_payout",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="payout_stays_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="1b4ecf1b065caeaf83fe67c225ca6aea2837f2ea",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_payout_stays_whole_6f01b",
                            table="payouts_payout",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["-created_at"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payout_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("paid_at", None), ("status", "due")),
                            models.Q(("paid_at__isnull", False), ("status__in", ["paid", "returned"])),
                            _connector="OR",
                        ),
                        name="payout_paid_has_time",
                    ),
                    models.CheckConstraint(condition=models.Q(("sent_amount__gt", 0)), name="payout_sends_something"),
                    models.CheckConstraint(
                        condition=models.Q(("fee__gte", 0), ("fee__lt", models.F("amount"))),
                        name="payout_fee_below_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("rate", None),
                                (
                                    "sent_amount",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("amount"), "-", models.F("fee")
                                    ),
                                ),
                                ("sent_currency", models.F("currency")),
                            ),
                            models.Q(
                                models.Q(("sent_currency", models.F("currency")), _negated=True),
                                ("rate__gt", 0),
                                ("rate_day__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="payout_names_its_rate",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("batch", None), ("method__isnull", False), _connector="OR"),
                        name="payout_in_batch_has_way",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("in_flight", ""), ("in_flight_at", None)),
                            models.Q(
                                models.Q(("in_flight", ""), _negated=True),
                                ("batch__isnull", False),
                                ("in_flight_at__isnull", False),
                                ("status", "due"),
                            ),
                            _connector="OR",
                        ),
                        name="payout_in_flight_stays_in_batch",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="file", to="payouts.payoutbatch"
                    ),
                ),
                ("name", models.CharField(max_length=40)),
                ("content_type", models.CharField(max_length=40)),
                ("content", records.secrets.EncryptedTextBytes()),
                ("sha256", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField()),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="payout_file_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="09da96344eaf248b9499757495628d11c53dc34e",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_payout_file_append_only_b43ad",
                            table="payouts_payoutfile",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="payout_file_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="c190c9c71c39312b284f9f09fbd6f4a445ef1e5b",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_payout_file_append_only_whole_e41a8",
                            table="payouts_payoutfile",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SentLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="payouts.payoutbatch"
                    ),
                ),
                (
                    "payout",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sent_lines", to="payouts.payout"
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        help_text="As it is in the file; one for each attempt.", max_length=30, unique=True
                    ),
                ),
                ("amount", records.money.AmountField()),
                ("currency", records.money.CurrencyField()),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="sent_line_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="bd11b122b1e5d880745aae314df5ffd1e292bd47",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_sent_line_append_only_ffafd",
                            table="payouts_sentline",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="sent_line_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="30ee819a53495dc6cbcea846d99937624fe5212d",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_sent_line_append_only_whole_c66e0",
                            table="payouts_sentline",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("batch", "payout"), name="sent_line_once_in_a_batch"),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="sent_line_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AnswerRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "payout",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="payouts.payout"
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payouts.payoutbatch"
                    ),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("meaning", models.CharField(max_length=9)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="answer_row_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="bb9555335c07aeccb4df7f86f134723cf99eb3ea",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_answer_row_append_only_ae963",
                            table="payouts_answerrow",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="answer_row_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="69bf49c6be0fe6b8a98026153a10157f4d5d18bd",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_answer_row_append_only_whole_555ce",
                            table="payouts_answerrow",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["id"],
                "constraints": [models.UniqueConstraint(fields=("payout", "batch", "sha256"), name="answer_row_once")],
            },
        ),
        migrations.CreateModel(
            name="StatementSeal",
            fields=[
                (
                    "statement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="seal",
                        serialize=False,
                        to="payouts.statement",
                    ),
                ),
                (
                    "affiliate",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="affiliates.affiliate",
                    ),
                ),
                (
                    "position",
                    models.PositiveBigIntegerField(
                        help_text="The statement's number in the affiliate's row of statements."
                    ),
                ),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="statement_seal_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="0b31afd61dccf246b6d55547efd73e605a0950ff",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_statement_seal_append_only_cc242",
                            table="payouts_statementseal",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="statement_seal_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="0fe00b3769f9e259c026f0f872a0743f05a509bb",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_statement_seal_append_only_whole_e221b",
                            table="payouts_statementseal",
                            when="BEFORE",
                        ),
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("affiliate", "position"), name="statement_seal_gap_free_position")
                ],
            },
        ),
        migrations.CreateModel(
            name="AnchorAccount",
            fields=[
                (
                    "affiliate",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="affiliates.affiliate",
                    ),
                ),
                ("salt", models.CharField(default=payouts.models.anchors.new_salt, max_length=64)),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="anchor_account_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="5ecf12be8ea0e0b2f07e0903bbbb60eb4c0ba85c",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_anchor_account_append_only_7f467",
                            table="payouts_anchoraccount",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="anchor_account_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="0d6afbe8cf0bf6b4e92acc6dcf8eb2110f317d18",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_anchor_account_append_only_whole_e6e3a",
                            table="payouts_anchoraccount",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AnchorKey",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                (
                    "public_key",
                    models.CharField(help_text="Ed25519, 32 bytes in hex digits.", max_length=64, unique=True),
                ),
                ("since", models.DateTimeField()),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="anchor_key_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="d0da4800b40afa62a28ee3814abeeebf6380926f",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_anchor_key_append_only_d800e",
                            table="payouts_anchorkey",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="anchor_key_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="77000925604187eac508bee3f3eda99007a14f6b",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_anchor_key_append_only_whole_4448e",
                            table="payouts_anchorkey",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Anchor",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("made_at", models.DateTimeField()),
                ("count", models.PositiveIntegerField(help_text="Statements that it names.")),
                ("root", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                ("line", models.TextField()),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="anchor_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="95babe90909ac6b8707bbb32cce749236642cae8",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_anchor_append_only_d53ff",
                            table="payouts_anchor",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="anchor_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="65694c785fd2ee8894234460f80bdc53f96d5aad",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_anchor_append_only_whole_a1bea",
                            table="payouts_anchor",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="AnchoredStatement",
            fields=[
                (
                    "statement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="anchored",
                        serialize=False,
                        to="payouts.statement",
                    ),
                ),
                (
                    "anchor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="statements", to="payouts.anchor"
                    ),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="anchored_statement_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="94e6d3eec25a2e399ac0eadcf1248107b5be8f85",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_anchored_statement_append_only_60d49",
                            table="payouts_anchoredstatement",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="anchored_statement_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="9f2bc2ec2bc97fa724e2ae1adca44ce1df8731a7",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_anchored_statement_append_only_whole_25128",
                            table="payouts_anchoredstatement",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AnchorFile",
            fields=[
                ("path", models.CharField(max_length=500, primary_key=True, serialize=False)),
                ("written", models.PositiveBigIntegerField(default=0, help_text="The last anchor that it holds.")),
                ("error", models.CharField(blank=True, max_length=500)),
                ("checked_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="BilledClicks",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=records.public_ids.billed_clicks_id, editable=False, max_length=24, unique=True
                    ),
                ),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.affiliate"
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.offer"
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billed_clicks",
                        to="tracking.trackinglink",
                    ),
                ),
                ("day", models.DateField()),
                ("clicks", models.PositiveIntegerField()),
                ("parts", models.JSONField()),
                (
                    "seen",
                    models.IntegerField(
                        help_text="What the day's sum was when they were counted; none: count again.", null=True
                    ),
                ),
                ("counted_at", models.DateTimeField()),
                ("booked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "billed clicks",
                "ordering": ["-day", "link"],
                "indexes": [
                    models.Index(condition=models.Q(("booked_at", None)), fields=["id"], name="billed_clicks_due"),
                    models.Index(fields=["offer", "affiliate", "day"], name="billed_clicks_of_account"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("link", "day"), name="billed_clicks_once_per_link_and_day")
                ],
            },
        ),
        migrations.CreateModel(
            name="PeriodClose",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "ends_at",
                    models.DateTimeField(help_text="Half-open: the first moment that is no longer in the period."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for a worker"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("done", models.PositiveIntegerField(default=0, help_text="Affiliates that are closed.")),
                ("failed", models.PositiveIntegerField(default=0, help_text="Affiliates that could not be closed.")),
                ("total", models.PositiveIntegerField(default=0, help_text="Affiliates that have something to close.")),
                ("error", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["waiting", "running"])),
                        fields=("ends_at",),
                        name="one_open_close_of_a_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("state__in", ["waiting", "running"])),
                            models.Q(("finished_at__isnull", False), ("state__in", ["done", "failed"])),
                            _connector="OR",
                        ),
                        name="period_close_ended_has_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CloseFailure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "close",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="failures", to="payouts.periodclose"
                    ),
                ),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="affiliates.affiliate"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("why", models.CharField(max_length=500)),
                ("remedy", models.CharField(max_length=500, verbose_name="What to do")),
            ],
            options={
                "ordering": ["id"],
                "constraints": [models.UniqueConstraint(fields=("close", "affiliate"), name="close_failure_once")],
            },
        ),
        migrations.CreateModel(
            name="CommissionPlan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="commission_plans",
                        to="affiliates.offer",
                    ),
                ),
                (
                    "affiliate",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all affiliates.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="commission_plans",
                        to="affiliates.affiliate",
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("offer", "affiliate"), name="plan_once_per_offer_affiliate", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PlanVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="payouts.commissionplan",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "effective_from",
                    models.DateTimeField(help_text="Events that happened from this moment on are priced by it."),
                ),
                ("note", models.CharField(blank=True, max_length=250)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("digest", models.CharField(blank=True, db_default="", default="", editable=False, max_length=64)),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="plan_version_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="ed209cd9fe678ecb2143f8d10561408fb933dd2b",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_plan_version_append_only_87041",
                            table="payouts_planversion",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="plan_version_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="302bfdb656f3925340a7021bf90ba185429affa1",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_plan_version_append_only_whole_f8f95",
                            table="payouts_planversion",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="plan_version_agreed_to",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (NEW."effective_from" < (NEW."created_at"))',
                            declare="DECLARE affected bigint[]; lacking bigint;",
                            func="\naffected := ARRAY(\nWITH covered AS MATERIALIZED (\n    SELECT c.id, c.affiliate_id\n      FROM conversions_conversion c\n      JOIN conversions_goal g ON g.id = c.goal_id\n      JOIN payouts_commissionplan p ON p.offer_id = g.offer_id\n     WHERE p.id = NEW.plan_id AND c.status IN ('approved', 'pending') AND NOT c.is_test\n       AND c.occurred_at >= NEW.effective_from AND c.occurred_at < NEW.created_at\n       AND CASE WHEN p.affiliate_id IS NOT NULL THEN c.affiliate_id = p.affiliate_id\n                ELSE NOT EXISTS (SELECT FROM payouts_planversion v JOIN payouts_commissionplan own ON own.id = v.plan_id\n                                  WHERE own.offer_id = p.offer_id AND own.affiliate_id = c.affiliate_id\n                                    AND v.effective_from <= c.occurred_at) END)\nSELECT affiliate_id FROM covered\n UNION\n(SELECT e.affiliate_id\n   FROM covered JOIN payouts_ledgerentry e ON e.conversion_id = covered.id\n  WHERE e.kind IN ('commission', 'reversal')\n  GROUP BY e.affiliate_id, e.conversion_id, e.currency HAVING sum(e.amount) <> 0)\n);\nlacking := (SELECT affiliate FROM unnest(affected) AS affiliate\n             WHERE 'accepted' IS DISTINCT FROM (\n                   SELECT c.answer FROM payouts_planconsent c JOIN payouts_draftversion d ON d.id = c.draft_id\n                    WHERE d.plan_id = NEW.plan_id AND c.digest = NEW.digest AND c.affiliate_id = affiliate\n                    ORDER BY c.id DESC LIMIT 1)\n             LIMIT 1);\n-- Without consents, each of them must be shown to lose nothing: an effect with a loss cannot be stored.\nIF lacking IS NOT NULL AND EXISTS (\n    SELECT FROM unnest(affected) AS affiliate\n     WHERE NOT EXISTS (SELECT FROM payouts_planeffect e\n                        WHERE e.plan_id = NEW.plan_id AND e.digest = NEW.digest AND e.affiliate_id = affiliate)) THEN\n    RAISE EXCEPTION 'The version from % on was not agreed to by affiliate %', NEW.effective_from, lacking\n        USING ERRCODE = 'integrity_constraint_violation';\nEND IF;\nRETURN NEW;\n",
                            hash="4fb4ec97f07ecf357821988177c1703a852a2ec5",
                            operation="INSERT",
                            pgid="pgtrigger_plan_version_agreed_to_618a6",
                            table="payouts_planversion",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["plan", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("plan", "number"), name="plan_version_once"),
                    models.UniqueConstraint(fields=("plan", "effective_from"), name="plan_version_one_start"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CommissionRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rules", to="payouts.planversion"
                    ),
                ),
                (
                    "goal",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every goal of the offer.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="conversions.goal",
                    ),
                ),
                ("kind", models.CharField(max_length=12)),
                (
                    "amount",
                    records.money.AmountField(
                        blank=True,
                        help_text="Flat, per lot, or per click.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("currency", records.money.CurrencyField(blank=True, default="", help_text="Of the amount.")),
                (
                    "percent",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Of the revenue, in the currency of the conversion.",
                        max_digits=9,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                (
                    "country",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Of the click. Empty: all.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{2}$", "A country is two capitals, as in ISO 3166: DE, BR."
                            )
                        ],
                    ),
                ),
                (
                    "sub_name",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("sub1", "sub1"),
                            ("sub2", "sub2"),
                            ("sub3", "sub3"),
                            ("sub4", "sub4"),
                            ("sub5", "sub5"),
                        ],
                        default="",
                        max_length=4,
                    ),
                ),
                ("sub_value", models.CharField(blank=True, default="", max_length=255)),
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                (
                    "valid_until",
                    models.DateTimeField(blank=True, help_text="From this moment on it is no longer valid.", null=True),
                ),
                (
                    "is_component",
                    models.BooleanField(default=False, help_text="Earns together with the other components (hybrid)."),
                ),
                (
                    "minimum",
                    records.money.AmountField(
                        blank=True,
                        help_text="Per conversion.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "maximum",
                    records.money.AmountField(
                        blank=True,
                        help_text="Per conversion.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "limit_currency",
                    records.money.CurrencyField(blank=True, default="", help_text="Of minimum, maximum and budget."),
                ),
                (
                    "cap_amount",
                    records.money.AmountField(
                        blank=True,
                        help_text="Budget per affiliate and period.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "cap_count",
                    models.PositiveIntegerField(
                        blank=True, help_text="Paid conversions per affiliate and period.", null=True
                    ),
                ),
                (
                    "cap_period",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("day", "Day"),
                            ("week", "Week"),
                            ("month", "Month"),
                            ("quarter", "Quarter"),
                            ("total", "All time"),
                        ],
                        default="",
                        max_length=7,
                    ),
                ),
                (
                    "max_months",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Since the customer's first event.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "max_payments",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Paid events per customer.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "formula",
                    models.JSONField(blank=True, default=dict, help_text="Tiers, levels, or deductions, by kind."),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="commission_rule_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="2a8e6d7e643db720a1d9e25d7ed6cfbeb12e3d1b",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_commission_rule_append_only_45592",
                            table="payouts_commissionrule",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="commission_rule_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="89afc22c4aaeefc93e741d9f5e12ead9ccec0ef3",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_commission_rule_append_only_whole_8666e",
                            table="payouts_commissionrule",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "version",
                            "goal",
                            "kind",
                            "country",
                            "sub_name",
                            "sub_value",
                            "valid_from",
                            "valid_until",
                        ),
                        name="rule_once_per_selection",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount__isnull", False),
                                ("kind__in", ["flat", "per_lot", "per_click"]),
                                ("percent", None),
                                models.Q(("currency", ""), _negated=True),
                            ),
                            models.Q(
                                ("amount", None),
                                ("currency", ""),
                                ("kind__in", ["percent", "net_revenue"]),
                                ("percent__isnull", False),
                            ),
                            models.Q(
                                ("amount", None),
                                ("currency", ""),
                                ("kind__in", ["tiered", "parents"]),
                                ("percent", None),
                            ),
                            _connector="OR",
                        ),
                        name="rule_has_its_price",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cap_amount", None), ("cap_count", None), ("cap_period", "")),
                            models.Q(
                                models.Q(("cap_period", ""), _negated=True),
                                models.Q(("cap_amount__isnull", False), ("cap_count__isnull", False), _connector="OR"),
                            ),
                            _connector="OR",
                        ),
                        name="rule_cap_has_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cap_amount", None), ("maximum", None), ("minimum", None)),
                            models.Q(("limit_currency", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="rule_limits_have_currency",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_from", None),
                            ("valid_until", None),
                            ("valid_until__gt", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="rule_ends_after_it_begins",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WorkedExample",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="examples", to="payouts.planversion"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=1)),
                ("name", models.CharField(max_length=120)),
                (
                    "by",
                    models.CharField(
                        choices=[("event", "Event"), ("month", "Month")],
                        default="event",
                        max_length=5,
                        verbose_name="lines by",
                    ),
                ),
                ("events", models.JSONField(help_text="`payouts/plans/examples.py` gives the form.")),
                ("expected", models.JSONField(help_text="The lines by event or month, rule and receiver.")),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="worked_example_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="06b05c64b5788613a973190f3e603eb636daa5a7",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_worked_example_append_only_acfae",
                            table="payouts_workedexample",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="worked_example_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="80073e63a03e6ee209dbb3f9cadc1aeb995ee6f2",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_worked_example_append_only_whole_fef83",
                            table="payouts_workedexample",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["version", "position"],
                "constraints": [
                    models.UniqueConstraint(fields=("version", "position"), name="worked_example_once_per_position")
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerHead",
            fields=[
                (
                    "affiliate",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="ledger_head",
                        serialize=False,
                        to="affiliates.affiliate",
                    ),
                ),
                ("sequence", models.PositiveBigIntegerField(default=0)),
                (
                    "hash",
                    models.CharField(
                        default="0000000000000000000000000000000000000000000000000000000000000000", max_length=64
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_entries",
                        to="affiliates.affiliate",
                    ),
                ),
                ("sequence", models.PositiveBigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("commission", "Commission"),
                            ("reversal", "Reversal"),
                            ("adjustment", "Adjustment"),
                            ("payment", "Payment"),
                            ("fee", "Fee"),
                            ("returned", "Returned payment"),
                            ("vat", "VAT"),
                        ],
                        max_length=10,
                    ),
                ),
                ("amount", records.money.AmountField()),
                ("currency", records.money.CurrencyField()),
                (
                    "conversion",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_entries",
                        to="conversions.conversion",
                    ),
                ),
                (
                    "clicks",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_entries",
                        to="payouts.billedclicks",
                    ),
                ),
                (
                    "payout",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_entries",
                        to="payouts.payout",
                    ),
                ),
                (
                    "plan_version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payouts.planversion",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payouts.commissionrule",
                    ),
                ),
                ("arithmetic", models.CharField(help_text="How the amount came about, in words.", max_length=300)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who booked an adjustment by hand.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("occurred_at", models.DateTimeField(help_text="When the event happened.")),
                ("booked_at", models.DateTimeField(help_text="When this line was written.")),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="ledger_entry_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="9b1e244b59d103f04610f2a73d12a8d9bcb5f722",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_ledger_entry_append_only_4e340",
                            table="payouts_ledgerentry",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="ledger_entry_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="a3b8d443cb2577a755d0583729b4844b9127065d",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_ledger_entry_append_only_whole_dc33a",
                            table="payouts_ledgerentry",
                            when="BEFORE",
                        ),
                    ),
                ],
                "verbose_name_plural": "ledger entries",
                "ordering": ["affiliate", "sequence"],
                "indexes": [
                    models.Index(fields=["affiliate", "currency"], include=("amount",), name="ledger_balance"),
                    models.Index(fields=["conversion"], name="ledger_by_conversion"),
                    models.Index(
                        condition=models.Q(("clicks__isnull", False)), fields=["clicks"], name="ledger_by_clicks"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("affiliate", "sequence"), name="ledger_gap_free_number"),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "payment")), fields=("payout",), name="payout_paid_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "returned")), fields=("payout",), name="payout_returned_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "fee")), fields=("payout",), name="payout_fee_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount", 0), _negated=True), name="ledger_entry_moves_money"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind__in", ["commission", "reversal"]), _negated=True),
                            models.Q(("clicks", None), ("conversion__isnull", False)),
                            models.Q(("clicks__isnull", False), ("conversion", None)),
                            _connector="OR",
                        ),
                        name="ledger_commission_names_source",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Issuer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                (
                    "address",
                    models.TextField(help_text="Street, postal code and town, on lines of their own.", max_length=300),
                ),
                (
                    "country",
                    models.CharField(
                        help_text="Where the company is taxed: two letters.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{2}$", "A country is two capitals, as in ISO 3166: DE, BR."
                            )
                        ],
                    ),
                ),
                (
                    "vat_number",
                    models.CharField(
                        blank=True,
                        help_text="With the letters of the country.",
                        max_length=20,
                        verbose_name="VAT number",
                    ),
                ),
                (
                    "registration",
                    models.CharField(blank=True, help_text="Register and number, where there is one.", max_length=80),
                ),
                (
                    "invoice_prefix",
                    models.CharField(
                        default="SB-",
                        help_text="Numbers are SB-2026-000001, without gaps.",
                        max_length=12,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z0-9][A-Z0-9-]{0,11}$", "Capitals, digits and -, at most twelve, such as SB-."
                            )
                        ],
                    ),
                ),
                (
                    "credit_note_prefix",
                    models.CharField(
                        default="CN-",
                        max_length=12,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z0-9][A-Z0-9-]{0,11}$", "Capitals, digits and -, at most twelve, such as SB-."
                            )
                        ],
                    ),
                ),
                (
                    "self_billing_words",
                    models.CharField(
                        default="Self-billing",
                        help_text="The law wants it on the invoice; in German: Gutschrift.",
                        max_length=120,
                    ),
                ),
                (
                    "agreement_words",
                    models.TextField(
                        default="We agree that the operator writes the invoices for our commission in our name (self-billing) and sends them to us. We tell the operator at once when our VAT number, our registration for VAT or our address changes, and write no invoices of our own for the same commission. An invoice counts as accepted unless we object.",
                        help_text="What affiliates agree to before anything is written for them.",
                        max_length=2000,
                    ),
                ),
                (
                    "issues_automatically",
                    models.BooleanField(default=True, help_text="Every close of a period writes its invoices."),
                ),
                ("only", models.BooleanField(default=True, editable=False, unique=True)),
            ],
            options={
                "verbose_name": "invoice issuer",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("only", True)), name="one_invoice_issuer"),
                    models.CheckConstraint(
                        condition=models.Q(("invoice_prefix", models.F("credit_note_prefix")), _negated=True),
                        name="invoice_prefixes_differ",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BillingDetails",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billing_details",
                        to="affiliates.affiliate",
                    ),
                ),
                (
                    "party",
                    models.CharField(
                        choices=[("business", "Business"), ("private", "Private person")],
                        default="business",
                        max_length=8,
                        verbose_name="invoiced as",
                    ),
                ),
                ("legal_name", models.CharField(max_length=120)),
                ("address", models.TextField(max_length=300)),
                (
                    "country",
                    models.CharField(
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{2}$", "A country is two capitals, as in ISO 3166: DE, BR."
                            )
                        ],
                    ),
                ),
                ("vat_number", models.CharField(blank=True, max_length=20, verbose_name="VAT number")),
                ("registration", models.CharField(blank=True, max_length=80)),
                ("is_small_business", models.BooleanField(default=False, verbose_name="small business")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("replaced_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "verbose_name_plural": "billing details",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("replaced_at", None)),
                        fields=("affiliate",),
                        name="one_billing_details_in_force",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("party", "private"), _negated=True),
                            models.Q(("is_small_business", False), ("vat_number", "")),
                            _connector="OR",
                        ),
                        name="private_person_has_no_vat_number",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SelfBillingAgreement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="self_billing_agreements",
                        to="affiliates.affiliate",
                    ),
                ),
                ("words", models.TextField(max_length=2000)),
                ("agreed_at", models.DateTimeField()),
                (
                    "agreed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        blank=True, help_text="Where an operator recorded it: how it was given.", max_length=250
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("affiliate",),
                        name="one_self_billing_agreement_in_force",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at", None),
                            models.Q(("ended_at__gte", models.F("agreed_at")), ("ended_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="self_billing_agreement_ends_after_it_began",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="VatRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "country",
                    models.CharField(
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{2}$", "A country is two capitals, as in ISO 3166: DE, BR."
                            )
                        ],
                    ),
                ),
                (
                    "percent",
                    models.DecimalField(
                        decimal_places=2,
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                ("valid_from", models.DateField()),
                (
                    "note",
                    models.CharField(blank=True, help_text="Where it is from, for your own records.", max_length=250),
                ),
            ],
            options={
                "verbose_name": "VAT rate",
                "ordering": ["country", "-valid_from"],
                "constraints": [
                    models.UniqueConstraint(fields=("country", "valid_from"), name="vat_rate_once_a_day"),
                    models.CheckConstraint(
                        condition=models.Q(("percent__gte", 0), ("percent__lte", 100)), name="vat_rate_is_a_percentage"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("invoice", "Invoice"), ("credit_note", "Credit note")], max_length=11),
                ),
                ("number", models.CharField(max_length=30, unique=True)),
                (
                    "issuer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payouts.issuer"
                    ),
                ),
                ("year", models.PositiveSmallIntegerField()),
                ("sequence", models.PositiveIntegerField()),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="affiliates.affiliate"
                    ),
                ),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="payouts.statement"
                    ),
                ),
                (
                    "original",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_notes",
                        to="payouts.invoice",
                    ),
                ),
                ("issued_at", models.DateTimeField()),
                (
                    "issued_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("seller", models.JSONField()),
                ("buyer", models.JSONField()),
                ("lines", models.JSONField()),
                ("currency", records.money.CurrencyField()),
                ("net", records.money.AmountField(help_text="Below zero on a credit note.")),
                ("vat", records.money.AmountField()),
                ("gross", records.money.AmountField()),
                ("rule", models.CharField(help_text="The tax rule that was applied.", max_length=20)),
                (
                    "percent",
                    models.DecimalField(decimal_places=2, help_text="The VAT rate that was applied.", max_digits=5),
                ),
                ("percent_since", models.DateField(help_text="Since when this rate has been in force.", null=True)),
                ("notes", models.JSONField(default=list)),
                ("local_vat", records.money.AmountField(null=True)),
                ("local_currency", records.money.CurrencyField(blank=True)),
                ("local_rate", models.DecimalField(decimal_places=12, max_digits=24, null=True)),
                ("local_rate_day", models.DateField(null=True)),
                ("local_rate_source", models.CharField(blank=True, max_length=20)),
                (
                    "vat_entry",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoice",
                        to="payouts.ledgerentry",
                    ),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="invoice_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="90f4a81875d1abd1e21d0b6414f930cc85906309",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_invoice_append_only_50fe6",
                            table="payouts_invoice",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="invoice_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="748cfc07d4098b0bb879377672819b5879f01c13",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_invoice_append_only_whole_8960e",
                            table="payouts_invoice",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["-issued_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("issuer", "kind", "year", "sequence"), name="invoice_sequence_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "invoice")), fields=("statement",), name="statement_invoiced_once"
                    ),
                    models.UniqueConstraint(fields=("statement", "original"), name="statement_corrects_invoice_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "gross",
                                django.db.models.expressions.CombinedExpression(models.F("net"), "+", models.F("vat")),
                            )
                        ),
                        name="invoice_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "invoice"), ("net__gt", 0), ("original", None), ("vat__gte", 0)),
                            models.Q(
                                ("kind", "credit_note"), ("net__lt", 0), ("original__isnull", False), ("vat__lte", 0)
                            ),
                            _connector="OR",
                        ),
                        name="credit_note_names_its_invoice",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("vat", 0), ("vat_entry", None)),
                            models.Q(models.Q(("vat", 0), _negated=True), ("vat_entry__isnull", False)),
                            _connector="OR",
                        ),
                        name="invoice_vat_is_in_the_ledger",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("local_currency", ""), ("local_rate", None), ("local_vat", None)),
                            models.Q(
                                ("local_rate__gt", 0), ("local_rate_day__isnull", False), ("local_vat__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="invoice_names_its_rate",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="InvoiceCounter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "issuer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="counters", to="payouts.issuer"
                    ),
                ),
                (
                    "kind",
                    models.CharField(choices=[("invoice", "Invoice"), ("credit_note", "Credit note")], max_length=11),
                ),
                ("year", models.PositiveSmallIntegerField()),
                ("last", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("issuer", "kind", "year"), name="invoice_counter_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Invoicing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "statement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invoicing", to="payouts.statement"
                    ),
                ),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.affiliate"
                    ),
                ),
                ("currency", records.money.CurrencyField()),
                ("earned", records.money.AmountField()),
                ("documented", records.money.AmountField()),
                ("done_at", models.DateTimeField()),
                (
                    "done_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="invoicing_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="b810d15250e7691d788211a4cf0b54e68cab8245",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_invoicing_append_only_0a22f",
                            table="payouts_invoicing",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="invoicing_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="29e810dddaa7e0157279b9c4254db88fc57a278c",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_invoicing_append_only_whole_35f82",
                            table="payouts_invoicing",
                            when="BEFORE",
                        ),
                    ),
                ],
                "indexes": [models.Index(fields=["affiliate", "currency"], name="invoicing_by_account")],
            },
        ),
        migrations.CreateModel(
            name="DraftVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(default=records.public_ids.draft_id, editable=False, max_length=16, unique=True),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="drafts", to="payouts.commissionplan"
                    ),
                ),
                (
                    "effective_from",
                    models.DateTimeField(help_text="Events that happened from this moment on are priced by it."),
                ),
                ("rules", models.JSONField(help_text="As a version file lists them.")),
                (
                    "examples",
                    models.JSONField(
                        default=list, help_text="Worked examples, each with name, by, events and expected."
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=250)),
                ("digest", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Draft"), ("published", "Published"), ("withdrawn", "Withdrawn")],
                        default="open",
                        max_length=9,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("asked_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="draft",
                        to="payouts.planversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "published"), ("version__isnull", False)),
                            models.Q(models.Q(("state", "published"), _negated=True), ("version", None)),
                            _connector="OR",
                        ),
                        name="published_draft_has_version",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PlanConsent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "draft",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="consents", to="payouts.draftversion"
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.affiliate"
                    ),
                ),
                (
                    "answer",
                    models.CharField(choices=[("accepted", "Accepted"), ("declined", "Declined")], max_length=8),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("portal", "In the portal"), ("operator", "Recorded by an operator")], max_length=8
                    ),
                ),
                (
                    "answered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("answered_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("address", models.GenericIPAddressField(help_text="Where the answer came from.", null=True)),
                (
                    "evidence",
                    models.CharField(blank=True, help_text="How the affiliate agreed, in words.", max_length=500),
                ),
                (
                    "evidence_file",
                    models.CharField(blank=True, help_text="File name or link of what proves it.", max_length=500),
                ),
                ("shown", models.JSONField(default=dict)),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="plan_consent_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="30965ff2a4f986eea122ce26bd3915a88099d335",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_plan_consent_append_only_b7088",
                            table="payouts_planconsent",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="plan_consent_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="f28861044b6bc5eafee34391bd236b2b92e043d6",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_plan_consent_append_only_whole_7dc15",
                            table="payouts_planconsent",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["id"],
                "indexes": [models.Index(fields=["digest", "affiliate", "-id"], name="plan_consent_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("source", "portal"),
                            models.Q(("source", "operator"), models.Q(("evidence", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="recorded_consent_has_evidence",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PlanEffect",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payouts.commissionplan"
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.affiliate"
                    ),
                ),
                ("currency", records.money.CurrencyField()),
                ("before", records.money.AmountField()),
                ("after", records.money.AmountField()),
                ("expected_before", records.money.AmountField()),
                ("expected_after", records.money.AmountField()),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="plan_effect_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="2e1a121a888b0a56a7f74eb49ceda8c4eb830d01",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_plan_effect_append_only_238e1",
                            table="payouts_planeffect",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="plan_effect_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="08a52ecf18b86ef50e0e8ee3265a9c3f749c57ac",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_plan_effect_append_only_whole_c6eee",
                            table="payouts_planeffect",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("plan", "digest", "affiliate", "currency"), name="plan_effect_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("after__gte", models.F("before")), ("expected_after__gte", models.F("expected_before"))
                        ),
                        name="plan_effect_is_no_loss",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WhatIf",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(default=records.public_ids.what_if_id, editable=False, max_length=16, unique=True),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="what_ifs",
                        to="payouts.commissionplan",
                    ),
                ),
                (
                    "draft",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="what_ifs",
                        to="payouts.draftversion",
                    ),
                ),
                ("tried", models.CharField(help_text="What was tried, by name.", max_length=200)),
                (
                    "rules",
                    models.JSONField(
                        help_text="As a version file lists them; what the draft says now may be something else."
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for a worker"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("done", models.PositiveIntegerField(default=0, help_text="Events that are compared.")),
                ("total", models.PositiveIntegerField(default=0, help_text="Events to compare.")),
                ("examples", models.JSONField(default=list, help_text="Conversions with both arithmetics in words.")),
                ("error", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "verbose_name": "what-if",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "running"])), fields=["id"], name="what_if_open"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="what_if_ends_after_it_begins"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("state__in", ["waiting", "running"])),
                            models.Q(("finished_at__isnull", False), ("state__in", ["done", "failed"])),
                            _connector="OR",
                        ),
                        name="what_if_ended_has_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WhatIfLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "what_if",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="payouts.whatif"
                    ),
                ),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.affiliate"
                    ),
                ),
                ("currency", records.money.CurrencyField()),
                ("before", records.money.AmountField()),
                ("after", records.money.AmountField()),
                ("expected_before", records.money.AmountField()),
                ("expected_after", records.money.AmountField()),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("what_if", "affiliate", "currency"), name="what_if_line_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ExchangeRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", records.money.CurrencyField()),
                ("day", models.DateField()),
                (
                    "per_euro",
                    models.DecimalField(
                        decimal_places=12,
                        max_digits=24,
                        validators=[django.core.validators.MinValueValidator(Decimal("1E-12"))],
                        verbose_name="Units for one euro",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("ecb", "European Central Bank"), ("manual", "By hand"), ("file", "Imported")],
                        max_length=6,
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        blank=True, help_text="Where it is from, or why it was corrected.", max_length=250
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="exchange_rate_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="4f5d7cf335fe5e1403614031c7c93faa46d82f21",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_exchange_rate_append_only_22bc9",
                            table="payouts_exchangerate",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="exchange_rate_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="122fdbe30f7435a38405ec7d2aba9e38a9544ce3",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_exchange_rate_append_only_whole_05fc0",
                            table="payouts_exchangerate",
                            when="BEFORE",
                        ),
                    ),
                ],
                "ordering": ["-day", "currency", "-id"],
                "indexes": [models.Index(fields=["currency", "-day", "-id"], name="exchange_rate_of_day")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("per_euro__gt", 0)), name="exchange_rate_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("currency", "EUR"), _negated=True), name="exchange_rate_not_of_the_euro"
                    ),
                ],
            },
        ),
    ]
