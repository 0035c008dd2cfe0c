"""How `make dev` follows changes: watchfiles restarts worker and beat, and Granian, with it, the web server."""

import shlex
import sys
from collections.abc import Sequence

from config.embedded import places

# Where the code lies; not `.data`, which changes all the time.
WATCHED = ("affiliates", "config", "conversions", "dashboard", "payouts", "records", "templates", "tracking", "web")
_PATHS = [str(places.ROOT / name) for name in WATCHED]

FOR_GRANIAN = (
    "--reload",
    "--reload-ignore-worker-failure",
    *(part for path in _PATHS for part in ("--reload-paths", path)),
)


def watching(command: Sequence[str]) -> list[str]:
    """The command, started again at each change of code."""
    options = ["--filter", "python", "--target-type", "command", "--verbosity", "warning", "--sigint-timeout", "10"]
    return [sys.executable, "-m", "watchfiles", *options, shlex.join(command), *_PATHS]
