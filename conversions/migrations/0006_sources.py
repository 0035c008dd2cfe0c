"""Sources that advertisers connect, and the other names of their sales; processes hear of a change at once."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import conversions.models.sources
import records.public_ids


class Migration(migrations.Migration):
    dependencies = [
        ("affiliates", "0002_events"),
        ("conversions", "0005_events"),
    ]

    operations = [
        migrations.AlterField(
            model_name="conversion",
            name="reported_by",
            field=models.CharField(
                choices=[
                    ("native", "Postback"),
                    ("pixel", "Pixel"),
                    ("bulk", "Bulk API"),
                    ("csv", "CSV import"),
                    ("source", "Shop or billing webhook"),
                    ("replay", "Replay"),
                ],
                default="native",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="postback",
            name="endpoint",
            field=models.CharField(
                choices=[
                    ("native", "Postback"),
                    ("pixel", "Pixel"),
                    ("bulk", "Bulk API"),
                    ("csv", "CSV import"),
                    ("source", "Shop or billing webhook"),
                    ("replay", "Replay"),
                ],
                default="native",
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="SourceConnection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(default=records.public_ids.source_id, editable=False, max_length=20, unique=True),
                ),
                ("source", models.CharField(help_text="The kind of source.", max_length=40)),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("encrypted_token", models.TextField(editable=False)),
                ("encrypted_secrets", models.TextField(blank=True, editable=False)),
                (
                    "goals",
                    models.JSONField(
                        blank=True, default=dict, help_text="The source's words for events, with our goals."
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC",
                        help_text="Of times without an offset, as in files: UTC, Europe/Athens …",
                        max_length=40,
                        validators=[conversions.models.sources.validate_time_zone],
                    ),
                ),
                ("is_active", models.BooleanField(default=True, help_text="Switched off, the address answers 410.")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "advertiser",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sources", to="affiliates.advertiser"
                    ),
                ),
            ],
            options={
                "verbose_name": "source",
                "ordering": ["advertiser", "source", "id"],
            },
        ),
        migrations.CreateModel(
            name="SourceReference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("transaction_id", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "advertiser",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.advertiser"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("advertiser", "name"), name="source_reference_once")],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER terms_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON conversions_sourceconnection "
            "FOR EACH STATEMENT EXECUTE FUNCTION conversions_notify_terms_changed();",
            "DROP TRIGGER terms_changed ON conversions_sourceconnection;",
        ),
    ]
