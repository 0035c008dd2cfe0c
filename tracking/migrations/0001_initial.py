import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.db import migrations, models

import records.addresses
import records.public_ids

# Django cannot declare partitions: the table is made here, its columns and indexes are those of the model below.
# The defaults stay in the database: capture and the spool write only the columns that a click has at once.
SUB_IDS = "\n".join(f"    sub{n} varchar(255) NOT NULL DEFAULT ''," for n in range(1, 11))
CLICK_TABLE = f"""
CREATE TABLE tracking_click (
    id uuid NOT NULL PRIMARY KEY,
    link_id bigint NOT NULL,
    clicked_at timestamptz NOT NULL,
    ip inet NULL,
    user_agent varchar(500) NOT NULL DEFAULT '',
    referrer varchar(500) NOT NULL DEFAULT '',
    visitor uuid NULL,
    aff_click_id varchar(255) NOT NULL DEFAULT '',
    source varchar(255) NOT NULL DEFAULT '',
{SUB_IDS}
    marked_at timestamptz NULL,
    country varchar(2) NOT NULL DEFAULT '',
    device varchar(10) NOT NULL DEFAULT '',
    os varchar(40) NOT NULL DEFAULT '',
    browser varchar(40) NOT NULL DEFAULT '',
    asn bigint NULL,
    is_data_centre boolean NOT NULL DEFAULT false,
    is_bot boolean NOT NULL DEFAULT false,
    is_duplicate boolean NOT NULL DEFAULT false
) PARTITION BY RANGE (id);
CREATE TABLE tracking_click_default PARTITION OF tracking_click DEFAULT;
CREATE INDEX click_by_link ON tracking_click (link_id, id);
CREATE INDEX click_unmarked ON tracking_click (id) WHERE marked_at IS NULL;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("affiliates", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="TrackingLink",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "enrollment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="links", to="affiliates.enrollment"
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        default=records.public_ids.link_code,
                        max_length=40,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9_-]{2,39}$", "Three to 40 lower-case letters, digits, - or _."
                            )
                        ],
                    ),
                ),
                (
                    "name",
                    models.CharField(blank=True, help_text="The affiliate's own name for the link.", max_length=80),
                ),
                (
                    "destination_url",
                    models.CharField(
                        blank=True,
                        help_text="In place of the offer's destination; its host must be one that the offer allows.",
                        max_length=2000,
                        validators=[records.addresses.validate_destination],
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "is_test",
                    models.BooleanField(
                        default=False,
                        help_text="What comes of its clicks is judged and shown, but never counted nor paid.",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id__gt", 0), ("id__lt", 4294967296)), name="link_number_fits_click_id"
                    )
                ],
            },
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Click",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        (
                            "link",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="clicks",
                                to="tracking.trackinglink",
                            ),
                        ),
                        ("clicked_at", models.DateTimeField()),
                        ("ip", models.GenericIPAddressField(null=True)),
                        ("user_agent", models.CharField(default="", max_length=500)),
                        ("referrer", models.CharField(default="", max_length=500)),
                        ("visitor", models.UUIDField(help_text="The visitor cookie on the tracking host.", null=True)),
                        ("aff_click_id", models.CharField(default="", max_length=255)),
                        ("source", models.CharField(default="", max_length=255)),
                        ("sub1", models.CharField(default="", max_length=255)),
                        ("sub2", models.CharField(default="", max_length=255)),
                        ("sub3", models.CharField(default="", max_length=255)),
                        ("sub4", models.CharField(default="", max_length=255)),
                        ("sub5", models.CharField(default="", max_length=255)),
                        ("sub6", models.CharField(default="", max_length=255)),
                        ("sub7", models.CharField(default="", max_length=255)),
                        ("sub8", models.CharField(default="", max_length=255)),
                        ("sub9", models.CharField(default="", max_length=255)),
                        ("sub10", models.CharField(default="", max_length=255)),
                        ("marked_at", models.DateTimeField(null=True)),
                        ("country", models.CharField(default="", max_length=2)),
                        ("device", models.CharField(default="", max_length=10)),
                        ("is_bot", models.BooleanField(default=False)),
                        ("is_duplicate", models.BooleanField(default=False)),
                        ("os", models.CharField(default="", max_length=40, verbose_name="operating system")),
                        ("browser", models.CharField(default="", max_length=40)),
                        (
                            "asn",
                            models.BigIntegerField(
                                help_text="The network of the address.", null=True, verbose_name="autonomous system"
                            ),
                        ),
                        (
                            "is_data_centre",
                            models.BooleanField(default=False, help_text="The address is a hosting company's."),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["link", "id"], name="click_by_link"),
                            models.Index(condition=models.Q(("marked_at", None)), fields=["id"], name="click_unmarked"),
                        ],
                    },
                ),
            ],
            database_operations=[migrations.RunSQL(CLICK_TABLE, "DROP TABLE tracking_click")],
        ),
        migrations.CreateModel(
            name="LegacyClickID",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "source",
                    models.CharField(help_text="The platform or advertiser that the IDs come from.", max_length=60),
                ),
                ("foreign_id", models.CharField(help_text="The click ID as that platform wrote it.", max_length=255)),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="legacy_clicks",
                        to="tracking.trackinglink",
                    ),
                ),
                ("clicked_at", models.DateTimeField()),
                ("click_id", models.UUIDField(editable=False, unique=True)),
                ("aff_click_id", models.CharField(blank=True, default="", max_length=255)),
                (
                    "sub_ids",
                    models.JSONField(blank=True, default=dict, help_text="The affiliate's labels: sub1 to sub10."),
                ),
                ("imported_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "verbose_name": "legacy click ID",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("foreign_id", "source"), name="legacy_click_id_once_per_source"),
                    models.CheckConstraint(
                        condition=models.Q(("foreign_id", ""), _negated=True), name="legacy_click_id_given"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClickHour",
            fields=[
                (
                    "link_number",
                    models.BigIntegerField(help_text="The tracking link; 0 stands for all links together."),
                ),
                ("clicks", models.IntegerField()),
                ("bots", models.IntegerField()),
                ("duplicates", models.IntegerField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "link_number", "hour", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("hour", models.DateTimeField(help_text="When the hour begins.")),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["hour"], name="click_hour")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("bots__gte", 0),
                            (
                                "clicks__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("bots"), "+", models.F("duplicates")
                                ),
                            ),
                            ("duplicates__gte", 0),
                        ),
                        name="clickhour_adds_up",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ClickDay",
            fields=[
                (
                    "link_number",
                    models.BigIntegerField(help_text="The tracking link; 0 stands for all links together."),
                ),
                ("clicks", models.IntegerField()),
                ("bots", models.IntegerField()),
                ("duplicates", models.IntegerField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "link_number", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["day"], name="click_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("bots__gte", 0),
                            (
                                "clicks__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("bots"), "+", models.F("duplicates")
                                ),
                            ),
                            ("duplicates__gte", 0),
                        ),
                        name="clickday_adds_up",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ClickAudience",
            fields=[
                (
                    "link_number",
                    models.BigIntegerField(help_text="The tracking link; 0 stands for all links together."),
                ),
                ("clicks", models.IntegerField()),
                ("bots", models.IntegerField()),
                ("duplicates", models.IntegerField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "link_number",
                        "day",
                        "country",
                        "device",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("country", models.CharField(max_length=2)),
                ("device", models.CharField(max_length=10)),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["day"], name="click_audience_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("bots__gte", 0),
                            (
                                "clicks__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("bots"), "+", models.F("duplicates")
                                ),
                            ),
                            ("duplicates__gte", 0),
                        ),
                        name="clickaudience_adds_up",
                    )
                ],
            },
        ),
    ]
