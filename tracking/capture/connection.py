"""A connection to PostgreSQL outside of Django's, as the click writer has one: in autocommit, quick to give up."""

import psycopg

from tracking.capture.link_cache import connection_parameters


def connect() -> psycopg.Connection:
    """Raise psycopg.OperationalError when the database is away."""
    return psycopg.connect(**{**connection_parameters(), "connect_timeout": 5}, autocommit=True)
