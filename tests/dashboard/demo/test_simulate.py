"""Simulated traffic: against a real server every answer is as expected; a wrong answer, or none, is an error."""

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from conversions.models import Conversion, Postback
from dashboard.demo.facts import facts
from dashboard.demo.live.behaviour import Program, VisitorStory
from dashboard.demo.seeding import seed
from tests.servers import Web, database_url, running
from tracking.models import Click

CLICK_ID = "0" * 40
FACTS = {
    "links": [
        {
            "code": "ana-shop",
            "affiliate": "Ana",
            "offer": "Shop",
            "advertiser": "Verbena",
            "destination": "https://shop.example/?click_id={click_id}",
        }
    ],
    "advertisers": [{"name": "Verbena", "token": "aft_secret", "hmac_secret": "afh_secret"}],
    "goals": [{"offer": "Shop", "code": "purchase", "name": "Purchase"}],
}


class Liar(BaseHTTPRequestHandler):
    """A server that redirects well and says that it accepted everything, repeats and nonsense included."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/c/no-such"):
            self._answer(404)
        elif self.path.startswith("/c/"):
            self._answer(302, location=f"https://shop.example/?click_id={CLICK_ID}")
        else:
            self._accept()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._accept()

    def _accept(self) -> None:
        body = {"outcome": "accepted", "reason": "ok", "problems": [], "conversion_id": "cv_1"}
        self._answer(200, json.dumps(body).encode())

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def liar() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def facts_file(tmp_path: Path) -> Path:
    path = tmp_path / "demo.json"
    path.write_text(json.dumps(FACTS))
    return path


def simulate(*options: object) -> tuple[int, str]:
    """Exit code and output."""
    out = io.StringIO()
    try:
        call_command("simulate", *map(str, options), stdout=out)
    except SystemExit as left:
        return int(left.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_real_server_answers_everything_as_it_has_to(tmp_path):
    seed(now=timezone.now(), scale=0.01)
    before = {model: model._default_manager.count() for model in (Click, Postback, Conversion)}
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(facts()))
    web = Web(log=tmp_path / "web.log", env={"DATABASE_URL": database_url()}, workers=1)
    with running(web):
        code, output = simulate(
            *("--facts", path, "--base-url", web.base_url),
            *("--rate", 60, "--duration", 2, "--conversions", 1, "--concurrency", 16),
        )
    assert code == 0, output
    assert "Every answer was as expected." in output
    for model, count in before.items():
        assert model._default_manager.count() > count, model


def test_wrong_answers_are_reported_and_end_in_exit_code_1(liar, facts_file):
    code, output = simulate(
        *("--facts", facts_file, "--base-url", liar, "--rate", 100, "--duration", 0.6, "--conversions", 1)
    )
    assert code == 1
    assert "answered 200 accepted" in output
    assert "not 200 duplicate duplicate" in output
    assert "answers were not as expected" in output


def test_a_server_that_is_not_there_is_reported_and_ends_in_exit_code_1(facts_file):
    code, output = simulate("--facts", facts_file, "--base-url", "http://127.0.0.1:9", "--rate", 50, "--duration", 0.1)
    assert code == 1
    assert "got no answer" in output


def test_another_machine_gets_nothing_unless_asked_for(facts_file):
    with pytest.raises(CommandError, match="--allow-remote"):
        simulate("--facts", facts_file, "--base-url", "https://affiliates.example")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "make demo"),
        ("no JSON", "cannot be read as JSON"),
        ("[]", "no JSON object"),
        ("{}", "does not hold the facts"),
        (json.dumps({**FACTS, "goals": []}), "none of its links"),
    ],
)
def test_facts_that_cannot_be_used_are_refused(tmp_path, text, message):
    path = tmp_path / "facts.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CommandError, match=message):
        simulate("--facts", path, "--base-url", "http://127.0.0.1:9")


def test_without_an_address_it_says_how_to_give_one(facts_file):
    with pytest.raises(CommandError, match="--base-url"):
        simulate("--facts", facts_file)


def test_the_same_seed_makes_the_same_visitors():
    def asked(seed: int) -> list[tuple[str, str]]:
        program = Program.read(FACTS)
        stories = [VisitorStory(program, seed=seed, number=n, converting=1, run="x") for n in range(20)]
        requests = [next(story.steps()).request for story in stories]
        return [(request.target, request.headers.get("User-Agent", "")) for request in requests]

    assert asked(1) == asked(1)
    assert asked(1) != asked(2)
