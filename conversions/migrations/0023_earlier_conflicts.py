"""Contradictions that were answered before there was a queue for them wait in it as well."""

from django.db import migrations

FILL = """
INSERT INTO conversions_conflictreview (conversion_id, postback_id, fingerprint, opened_at, resolution, note)
SELECT DISTINCT ON (conversion_id, fingerprint) conversion_id, id, fingerprint, coalesce(decided_at, received_at), '', ''
FROM conversions_postback
WHERE outcome = 'conflict' AND reason = 'transaction_conflict' AND conversion_id IS NOT NULL
ORDER BY conversion_id, fingerprint, id
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("conversions", "0022_conflict_reviews"),
    ]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
