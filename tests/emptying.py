"""Empties the database after a test that commits.

Django would truncate every table and make permissions anew, which takes longer than most tests: here only tables that
hold something are emptied, and the rows that Django itself needs stay.
"""

import pgtrigger
from django.db import connection, transaction

# Made once by Django after the migrations; no test changes them.
KEPT = ("django_content_type", "auth_permission", "django_migrations")
# From here on deleting costs more than truncating, and what was deleted would be in the way of the next test.
LARGE = 256 * 1024
FILLED = """
    SELECT quote_ident(relname), pg_relation_size(oid) > %s FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND pg_relation_size(oid) > 0 AND NOT relname = ANY(%s)
"""


def empty() -> None:
    """Remove all rows but Django's own. Triggers that protect history are off meanwhile."""
    with pgtrigger.ignore(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FILLED, [LARGE, list(KEPT)])
        filled = dict(cursor.fetchall())
        if any(filled.values()):
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
        else:
            for table in filled:
                cursor.execute(f"DELETE FROM {table}")
