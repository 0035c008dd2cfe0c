"""After a test that commits the next one finds nothing of it."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import connection

from affiliates.models import Affiliate
from payouts.models import LedgerEntry
from tests.emptying import LARGE, empty
from tests.factories import AffiliateFactory, ConversionFactory, LedgerEntryFactory

pytestmark = pytest.mark.django_db(transaction=True)


def filled() -> set[str]:
    """The tables that hold rows."""
    return {model._meta.db_table for model in apps.get_models() if model._default_manager.exists()}


def test_rows_go_those_of_history_too_and_permissions_stay() -> None:
    kept, permissions = filled(), Permission.objects.count()
    ConversionFactory()
    LedgerEntryFactory()
    empty()
    assert filled() == kept
    assert Permission.objects.count() == permissions > 0


def test_a_table_that_has_grown_is_truncated_and_takes_no_room() -> None:
    Affiliate.objects.bulk_create(AffiliateFactory.build(name="x" * 100, website="") for _ in range(3000))
    assert size() > LARGE
    empty()
    assert (Affiliate.objects.exists(), LedgerEntry.objects.exists(), size()) == (False, False, 0)


def size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('affiliates_affiliate')")
        return int(cursor.fetchone()[0])
