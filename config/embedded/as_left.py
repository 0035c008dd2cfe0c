"""Whether the demo's database and static files are as this version of the code left them.

Then web server, worker and beat are started at once, and nothing is migrated or collected.
"""

import hashlib

from config.embedded import places, postgresql

RECORD = places.DATA / "prepared"
MADE_BY = (
    "*/migrations/*.py",
    "uv.lock",
    "config/settings.py",
    "config/static_storage.py",
    "web/bundles.py",
    "static/**/*",
)


class AsLeft:
    """The record of the last start: what its database and static files were made from, and where the database lies."""

    def __init__(self) -> None:
        self._data, self._existed = "", False

    def look_at(self, server: postgresql.Postgres) -> None:
        """Call it before the server's start, which makes a data directory where there is none."""
        self._data, self._existed = str(server.data), server.data.exists()

    def holds(self) -> bool:
        """Never for a database that is not ours: others may change it."""
        return self._existed and RECORD.exists() and RECORD.read_text() == self._made_from()

    def forget(self) -> None:
        RECORD.unlink(missing_ok=True)

    def remember(self) -> None:
        places.write_private(RECORD, self._made_from())

    def _made_from(self) -> str:
        return f"{self._data} {digest(*MADE_BY)}"


def digest(*patterns: str) -> str:
    """Of the names and contents of the checkout's files that fit these patterns."""
    found = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(places.ROOT.glob(pattern)):
            if path.is_file():
                found.update(f"\0{path.relative_to(places.ROOT)}\0".encode() + path.read_bytes())
    return found.hexdigest()
