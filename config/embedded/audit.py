"""`make audit`: are there known vulnerabilities in the locked packages? Asks the OSV database.

Exit code 0 when all were checked and none is known, 1 when some are, 2 when they could not be checked. A package that
is known to be vulnerable is asked for along with the others: a service that does not know it, such as an empty mirror,
has checked nothing.
"""

import json
import os
import re
import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

from config.embedded.places import ROOT

SERVICE = "https://api.osv.dev/v1/querybatch"
LOCK = ROOT / "requirements-dev.txt"
TIMEOUT = 30
LARGEST = 20 * 1024 * 1024
CLEAN, FOUND, NOT_CHECKED = 0, 1, 2
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([\w.!+-]+)", re.MULTILINE)


class Package(NamedTuple):
    name: str
    version: str


# Its vulnerabilities are published (CVE-2016-10745 and others).
KNOWN_BAD = Package("jinja2", "2.4.1")


class NotChecked(Exception):
    """The database could not be reached, or did not answer for every package; the message says why."""


def packages(lock: Path = LOCK) -> list[Package]:
    """Every package of the lock, in its version."""
    found = [Package(*match.groups()) for match in _PIN.finditer(lock.read_text())]
    if not found:
        raise NotChecked(f"{lock.name} names no packages.")
    return found


def vulnerabilities(wanted: list[Package], *, service: str) -> dict[Package, list[str]]:
    """The IDs of known vulnerabilities, by package; packages without any are left out. Raise `NotChecked`."""
    asked = [*wanted, KNOWN_BAD]
    answers = _ask(asked, service).get("results")
    if not isinstance(answers, list) or len(answers) != len(asked):
        raise NotChecked(f"{service} did not answer for each of the {len(asked)} packages.")
    found = {package: _ids(answer) for package, answer in zip(asked, answers, strict=True)}
    if not found[KNOWN_BAD] and KNOWN_BAD not in wanted:
        raise NotChecked(f"{service} knows nothing of {KNOWN_BAD.name} {KNOWN_BAD.version}, which is vulnerable.")
    return {package: found[package] for package in wanted if found[package]}


def _ids(answer: object) -> list[str]:
    if not isinstance(answer, dict) or not isinstance(answer.get("vulns") or [], list):
        raise NotChecked("The answer is not of the form that OSV gives.")
    return sorted(str(each.get("id")) for each in answer.get("vulns") or [])


def _ask(asked: list[Package], service: str) -> dict[str, object]:
    if not service.startswith(("https://", "http://")):
        raise NotChecked(f"AUDIT_URL is {service!r}; it must begin with https://.")
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in asked]
    body = json.dumps({"queries": queries}).encode()
    request = urllib.request.Request(service, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 # nosec B310 # checked above
            found = json.loads(answer.read(LARGEST))
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise NotChecked(f"{service} could not be asked: {error}.") from error
    if not isinstance(found, dict):
        raise NotChecked("The answer is not of the form that OSV gives.")
    return found


def main() -> int:
    try:
        wanted = packages()
        found = vulnerabilities(wanted, service=os.environ.get("AUDIT_URL") or SERVICE)
    except NotChecked as error:
        print(f"NOT CHECKED: {error} This says nothing about the packages.", file=sys.stderr)
        return NOT_CHECKED
    for package, ids in found.items():
        print(f"{package.name} {package.version}: {', '.join(ids)}")
    if found:
        print(f"{len(found)} of {len(wanted)} packages have known vulnerabilities: raise their versions.")
        return FOUND
    print(f"{len(wanted)} packages checked, no known vulnerabilities.")
    return CLEAN


if __name__ == "__main__":
    raise SystemExit(main())
