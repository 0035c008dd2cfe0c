"""Whether the requirements that pip installs are the ones that uv.lock locks: names, versions and hashes."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from config.embedded.places import ROOT

Package = dict[str, Any]
Locked = dict[str, tuple[str, frozenset[str]]]
PROJECT = "affidavit"
# Which lists of pyproject.toml each file holds: the plain dependencies, optional ones by name, groups by name.
FILES: dict[str, tuple[bool, list[str], list[str]]] = {
    "requirements.txt": (True, ["embedded"], []),
    "requirements-dev.txt": (True, ["embedded"], ["dev"]),
    "requirements-uv.txt": (False, [], ["installer"]),
}
# Where the locked packages lie: a private index in uv.lock would lock everyone else out.
PUBLIC = ("https://pypi.org/", "https://files.pythonhosted.org/")
ADDRESS = re.compile(r"https?://[^\s\"']+")
LINE = re.compile(r"^([\w.-]+)==([\w.!+-]+)", re.MULTILINE)
HASH = re.compile(r"sha256:[0-9a-f]{64}")


def locked_packages(lock: dict[str, Any], *, plain: bool, extras: Iterable[str], groups: Iterable[str]) -> Locked:
    """Every package that the project needs, with its version and its hashes, by following uv.lock."""
    packages: dict[str, Package] = {package["name"]: package for package in lock["package"]}
    project = packages[PROJECT]
    wanted: list[Package] = list(project.get("dependencies", [])) if plain else []
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    for group in groups:
        wanted += project["dev-dependencies"][group]
    found: Locked = {}
    seen: set[tuple[str, str]] = set()
    while wanted:
        need = wanted.pop()
        package = packages[need["name"]]
        found[package["name"]] = (package["version"], frozenset(_hashes(package)))
        for extra in ("", *need.get("extra", [])):
            if (package["name"], extra) not in seen:
                seen.add((package["name"], extra))
                source = (
                    package.get("optional-dependencies", {}).get(extra, [])
                    if extra
                    else package.get("dependencies", [])
                )
                wanted += source
    return found


def _hashes(package: Package) -> Iterator[str]:
    for file in [*package.get("wheels", []), *filter(None, [package.get("sdist")])]:
        yield file["hash"]


def required_packages(text: str) -> Locked:
    """The packages of a requirements file."""
    starts = [*LINE.finditer(text)]
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return {
        start[1].lower(): (start[2], frozenset(HASH.findall(text[start.start() : end])))
        for start, end in zip(starts, ends, strict=True)
    }


def differences(root: Path = ROOT) -> list[str]:
    """Differences between the requirements files and uv.lock, and addresses that are not public, in sentences."""
    texts = {name: (root / name).read_text() for name in ("uv.lock", *FILES)}
    lock = tomllib.loads(texts["uv.lock"])
    found = [f"{name}: {host} is not the public index" for name, text in texts.items() for host in foreign_hosts(text)]
    for name, (plain, extras, groups) in FILES.items():
        locked = locked_packages(lock, plain=plain, extras=extras, groups=groups)
        found += [f"{name}: {difference}" for difference in compare(locked, required_packages(texts[name]))]
    return found


def foreign_hosts(text: str) -> list[str]:
    return sorted({address.split("/")[2] for address in ADDRESS.findall(text) if not address.startswith(PUBLIC)})


def compare(locked: Locked, required: Locked) -> Iterator[str]:
    for name in sorted(locked.keys() | required.keys()):
        if name not in required:
            yield f"{name} is missing"
        elif name not in locked:
            yield f"{name} is not in uv.lock"
        elif locked[name][0] != required[name][0]:
            yield f"{name} is {required[name][0]}, uv.lock has {locked[name][0]}"
        elif locked[name][1] != required[name][1]:
            yield f"{name} {locked[name][0]} has other hashes than in uv.lock"


def main() -> int:
    """Say each difference; exit code 1 when there is one."""
    found = differences()
    for line in found:
        print(line)
    if found:
        print("Run `make requirements` (it needs uv) and commit what changes.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
