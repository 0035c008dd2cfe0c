"""How `make dev` follows changes: watchfiles starts web server, worker and beat again when their code changes."""

import shlex
import sys
from collections.abc import Sequence

from config.embedded import places

# Where the code lies; not `.data`, which changes all the time.
WATCHED = ("affiliates", "config", "conversions", "dashboard", "payouts", "records", "templates", "tracking", "web")


def watching(command: Sequence[str], *, templates: bool) -> list[str]:
    """The command, started again at each change of Python code, or also of a template."""
    options = ["--filter", "default" if templates else "python", "--target-type", "command"]
    # Longer than the web server takes to end its own processes.
    options += ["--verbosity", "warning", "--sigint-timeout", "12"]
    paths = [str(places.ROOT / name) for name in WATCHED]
    return [sys.executable, "-m", "watchfiles", *options, shlex.join(command), *paths]
