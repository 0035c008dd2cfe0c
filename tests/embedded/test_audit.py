"""`make audit` says what was checked, and never that all is well when it was not: against a service on this machine."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from config.embedded.audit import KNOWN_BAD, packages
from config.embedded.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
Query = dict[str, Any]


@contextmanager
def service(answer: Callable[[list[Query]], object], status: int = 200) -> Iterator[str]:
    """A database of vulnerabilities; `answer` makes the results of a request's queries."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            body = json.dumps(answer(queries)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/querybatch"
    finally:
        server.shutdown()
        server.server_close()


def knowing(*bad: str) -> Callable[[list[Query]], object]:
    """What a database says that knows of vulnerabilities in these packages."""

    def answer(queries: list[Query]) -> object:
        vulnerable = [query["package"]["name"].lower() in bad for query in queries]
        return {"results": [{"vulns": [{"id": "GHSA-test-0001"}]} if each else {} for each in vulnerable]}

    return answer


def with_known_bad(queries: list[Query]) -> object:
    """Clean, but for the package that is asked for as a check of the service."""
    is_bad = [(query["package"]["name"], query["version"]) == KNOWN_BAD for query in queries]
    return {"results": [{"vulns": [{"id": "CVE-2016-10745"}]} if each else {} for each in is_bad]}


def audit(url: str) -> tuple[int, str]:
    env = {**os.environ, "AUDIT_URL": url}
    done = subprocess.run(
        [sys.executable, "-m", "config.embedded.audit"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_reads_every_package_of_the_lock() -> None:
    found = dict(packages())
    assert {"django", "granian", "psycopg", "ruff"} <= found.keys()
    assert len(found) > 100


def test_says_how_many_were_checked_where_nothing_is_known() -> None:
    with service(with_known_bad) as url:
        code, output = audit(url)
    assert code == 0
    assert output == f"{len(packages())} packages checked, no known vulnerabilities.\n"


def test_names_each_finding_and_fails() -> None:
    with service(knowing("django", "redis", KNOWN_BAD.name)) as url:
        code, output = audit(url)
    assert code == 1
    assert f"django {dict(packages())['django']}: GHSA-test-0001" in output
    assert "2 of " in output or "3 of " in output


@pytest.mark.parametrize(
    "answer",
    [
        knowing(),  # Knows nothing at all, as an empty mirror.
        lambda queries: {"results": []},
        lambda queries: {"results": [None] * len(queries)},
        lambda queries: ["no", "object"],
        lambda queries: {"message": "try later"},
    ],
)
def test_an_answer_that_proves_nothing_is_no_success(answer: Callable[[list[Query]], object]) -> None:
    with service(answer) as url:
        code, output = audit(url)
    assert code == 2
    assert output.startswith("NOT CHECKED: ")
    assert "no known vulnerabilities" not in output


def test_a_service_that_fails_or_is_away_is_no_success() -> None:
    with service(with_known_bad, status=503) as url:
        failing = audit(url)
    away = audit(f"http://127.0.0.1:{free_port()}/")
    for code, text in (failing, away, audit("file:///etc/passwd")):
        assert code == 2
        assert text.startswith("NOT CHECKED: ")
