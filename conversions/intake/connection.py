"""The connection of the thread that decides postbacks in a web process: lookups by key, planned once."""

import threading

from django.db import connection

# The statements of intake are few, and each looks rows up by keys: a connection plans them once.
# A plan that was made while a table was nearly empty must stay right as the table grows, also before PostgreSQL has
# gathered statistics: a page read in a row weighs more here than one found by an index, so the index is taken from the
# first page on. The same holds for the checks of foreign keys and the triggers of what intake writes.
OPTIONS = "-c plan_cache_mode=force_generic_plan -c seq_page_cost=8 -c random_page_cost=1"
# A table that has no page at all costs nothing to read: plans are made again when there are twice as many postbacks.
FEW = 100
_plans = threading.local()


def use_own_connection() -> None:
    """Let this thread connect by itself, with these options, and not by the pool that pages share."""
    settings = connection.settings_dict
    options = {name: value for name, value in settings["OPTIONS"].items() if name != "pool"}
    options["options"] = f"{options.get('options', '')} {OPTIONS}".strip()
    connection.close()
    connection.settings_dict = {**settings, "OPTIONS": options, "CONN_MAX_AGE": None}
    _plans.made_at = 0


def look_after_plans(postbacks: int) -> None:
    """Drop the plans of this thread's own connection when that many postbacks are twice those of the last time."""
    made_at = getattr(_plans, "made_at", None)
    if made_at is not None and postbacks > 2 * made_at + FEW:
        _plans.made_at = postbacks
        with connection.cursor() as cursor:
            cursor.execute("DISCARD PLANS")
