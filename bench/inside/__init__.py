"""Programs that run with Django in a process of their own: `python -m bench.inside.<program> '<options as JSON>'`.

Each writes JSON lines: its progress, and last its result. Importing the package makes Django ready.
"""

import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()


def options() -> dict[str, Any]:
    given: dict[str, Any] = json.loads(sys.argv[1])
    return given


def report(**found: object) -> None:
    """Write one line to the process that started the program."""
    print(json.dumps(found), flush=True)


def progress(text: str) -> None:
    report(progress=text)
