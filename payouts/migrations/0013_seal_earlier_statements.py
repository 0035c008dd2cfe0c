"""Seal the statements that were made before there were seals, in the order in which they were made."""

import hashlib
import json
from datetime import UTC

from django.db import migrations


def moment(value):
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def payout_facts(payout):
    if payout is None:
        return None
    return {
        "id": payout.public_id,
        "currency": payout.currency,
        "sent_currency": payout.sent_currency,
        **{name: f"{getattr(payout, name):.8f}" for name in ("amount", "vat", "fee", "sent_amount")},
        "rate": f"{payout.rate:.12f}" if payout.rate is not None else None,
        "rate_day": payout.rate_day.isoformat() if payout.rate_day else None,
    }


def facts(statement, position, previous_hash):
    amounts = ("opening", "earned", "paid", "closing", "held", "threshold")
    return {
        "affiliate": statement.affiliate.public_id,
        "number": statement.number,
        "currency": statement.currency,
        "position": position,
        "first_sequence": statement.first_sequence,
        "last_sequence": statement.last_sequence,
        "chain_hash": statement.chain_hash,
        **{name: f"{getattr(statement, name):.8f}" for name in amounts},
        **{name: moment(getattr(statement, name)) for name in ("starts_at", "ends_at", "closed_at")},
        "held_until": moment(statement.held_until) if statement.held_until else None,
        "payout": payout_facts(getattr(statement, "payout", None)),
        "previous_hash": previous_hash,
    }


def seal_all(apps, schema_editor):
    Statement, Seal = apps.get_model("payouts", "Statement"), apps.get_model("payouts", "StatementSeal")
    last = {row.affiliate_id: (row.position, row.hash) for row in Seal.objects.order_by("position")}
    rows = Statement.objects.filter(seal=None).select_related("affiliate", "payout").order_by("pk")
    seals = []
    for row in rows:
        position, previous = last.get(row.affiliate_id, (0, "0" * 64))
        text = json.dumps(facts(row, position + 1, previous), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        sealed = hashlib.sha256(text.encode()).hexdigest()
        last[row.affiliate_id] = position + 1, sealed
        seals.append(
            Seal(
                statement_id=row.pk,
                affiliate_id=row.affiliate_id,
                position=position + 1,
                previous_hash=previous,
                hash=sealed,
            )
        )
    Seal.objects.bulk_create(seals, batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [("payouts", "0012_statement_seals_and_anchors")]

    operations = [migrations.RunPython(seal_all, migrations.RunPython.noop)]
