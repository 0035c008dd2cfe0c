"""How many statements a request takes, as PostgreSQL's log has them: BEGIN, COMMIT and SET among them."""

import re
import time
from collections.abc import Callable

from bench.installation import Installation

LOGGED = re.compile(rb"LOG:  (?:statement|execute [^:]*): ")
# The log is written by other processes than ours; the last lines come a moment later.
MOMENT = 0.3


def statements_each(site: Installation, send: Callable[[], None], *, times: int = 5) -> float:
    """Call `send` so many times, one after the other; return the statements that each took."""
    _log(site, "all")
    log = site.home / "postgresql.log"
    try:
        before = log.stat().st_size
        for _ in range(times):
            send()
        time.sleep(MOMENT)
        with log.open("rb") as file:
            file.seek(before)
            return len(LOGGED.findall(file.read())) / times
    finally:
        _log(site, "none")


def _log(site: Installation, what: str) -> None:
    site.as_owner(f"ALTER SYSTEM SET log_statement = '{what}'")
    site.as_owner("SELECT pg_reload_conf()")
    time.sleep(MOMENT)
