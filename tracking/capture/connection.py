"""A connection to PostgreSQL outside of Django's, for the click writer: in autocommit, with a short timeout."""

import psycopg

from web.notifications import connection_parameters


def connect() -> psycopg.Connection:
    """Connect; raise psycopg.OperationalError when the database is away."""
    return psycopg.connect(**{**connection_parameters(), "connect_timeout": 5}, autocommit=True)
