"""More marks on a click, and sums of marked clicks by hour, by day, and by day with country and device."""

import django.db.models.expressions
from django.db import migrations, models

# In SQL as Django would leave the columns without a default, which capture and the spool rely on.
COLUMNS = """
ALTER TABLE tracking_click
    ADD COLUMN os varchar(40) NOT NULL DEFAULT '',
    ADD COLUMN browser varchar(40) NOT NULL DEFAULT '',
    ADD COLUMN asn bigint NULL,
    ADD COLUMN is_data_centre boolean NOT NULL DEFAULT false;
"""
NO_COLUMNS = """
ALTER TABLE tracking_click DROP COLUMN os, DROP COLUMN browser, DROP COLUMN asn, DROP COLUMN is_data_centre;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tracking", "0002_partitions_and_notify"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(COLUMNS, NO_COLUMNS)],
            state_operations=[
                migrations.AddField(
                    model_name="click",
                    name="asn",
                    field=models.BigIntegerField(
                        help_text="The network of the address.", null=True, verbose_name="autonomous system"
                    ),
                ),
                migrations.AddField(
                    model_name="click",
                    name="browser",
                    field=models.CharField(default="", max_length=40),
                ),
                migrations.AddField(
                    model_name="click",
                    name="is_data_centre",
                    field=models.BooleanField(default=False, help_text="The address is a hosting company's."),
                ),
                migrations.AddField(
                    model_name="click",
                    name="os",
                    field=models.CharField(default="", max_length=40, verbose_name="operating system"),
                ),
            ],
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
    ]
