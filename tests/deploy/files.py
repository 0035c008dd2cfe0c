"""What the files of a deployment say: commands and environments, as compose, systemd and Docker would read them."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
VARIABLE = re.compile(r"\$\{(\w+)(?::[?-][^}]*)?\}")


def environment_of(service: str, env: dict[str, str]) -> dict[str, str]:
    """The environment that compose gives a service when `.env` holds `env`; raise KeyError for what it lacks."""
    given = COMPOSE["services"][service]["environment"]
    return env | {name: VARIABLE.sub(lambda found: env[found[1]], str(text)) for name, text in given.items()}


def variables_of_compose() -> set[str]:
    return set(VARIABLE.findall((ROOT / "compose.yaml").read_text()))


def image_environment() -> dict[str, str]:
    line = re.search(r"^ENV (PATH=.*)$", DOCKERFILE, re.M)
    assert line
    return dict(part.split("=", 1) for part in shlex.split(line[1]))


def collecting() -> str:
    """The shell line of the image's build that collects the static files."""
    line = re.search(r"^RUN (SECRET_KEY=.*)$", DOCKERFILE, re.M)
    assert line
    return line[1]


def commands_of_compose() -> dict[str, list[str]]:
    services = COMPOSE["services"]
    return {"web": image_command(), **{name: services[name]["command"] for name in ("worker", "beat")}}


def image_command() -> list[str]:
    found = re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.M)
    assert found
    return list(json.loads(found[1]))


def health_check() -> list[str]:
    found = re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", DOCKERFILE, re.M)
    assert found
    return list(json.loads(found[1]))


def commands_of_units() -> dict[str, list[str]]:
    found = {}
    for unit in UNITS:
        line = re.search(r"^ExecStart=/opt/affidavit/.venv/bin/(.*)$", unit.read_text(), re.M)
        if line:
            found[unit.stem.removeprefix("affidavit-")] = shlex.split(line[1])
    return found


def commands_of_the_page() -> dict[str, list[str]]:
    page = (ROOT / "docs" / "deploy.md").read_text()
    return {name: shlex.split(text) for name, text in re.findall(r"^\| (\w+) \| `(.*?)` \|", page, re.M)}
