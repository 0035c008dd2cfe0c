"""The whole demo: ready by itself, back after every kill, gone without a trace when it is stopped."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from config.embedded.places import ROOT
from tests.embedded.running_demo import Running, demo_in, eventually, is_running

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    with demo_in(f"demo-{os.getpid()}") as running:
        yield running


@pytest.fixture(scope="module")
def tour(demo: Running) -> list[dict[str, Any]]:
    """The answers to the commands of the tour, in one shell and in their order; the first one prints no JSON."""
    lines = [line for line in demo.log.read_text().splitlines() if line.startswith(("CLICK=$(curl ", "curl "))]
    assert len(lines) == 5
    done = subprocess.run(["sh", "-e"], input="\n".join(lines), capture_output=True, text=True, check=True, timeout=60)
    click_id, *answers = filter(None, done.stdout.splitlines())
    assert len(click_id) == 40
    return [{}, *map(json.loads, answers)]


def test_shows_scripts_all_that_the_contract_names(demo: Running) -> None:
    facts = demo.facts
    keys = {
        "links": {"code", "affiliate", "offer", "advertiser", "destination"},
        "advertisers": {"name", "token", "hmac_secret"},
        "goals": {"offer", "code", "name"},
        "logins": {"role", "affiliate", "email", "password"},
        "api_keys": {"role", "key"},
    }
    for name, wanted in keys.items():
        assert facts[name], f"no {name}"
        assert all(wanted <= set(entry) for entry in facts[name])
    assert facts["base_url"] == f"http://127.0.0.1:{demo.env['PORT']}"
    assert all(is_running(facts["pids"][name]) for name in ("web", "worker", "beat", "postgres", "redis"))
    assert stat.S_IMODE(demo.facts_file.stat().st_mode) == 0o600
    with psycopg.connect(facts["database_url"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_answers_a_click_a_page_and_a_static_file(demo: Running) -> None:
    assert demo.status(f"/c/{demo.facts['links'][0]['code']}") == 302
    assert demo.status("/admin/login/") in (200, 302)
    manifest = json.loads((demo.data / "static" / "staticfiles.json").read_text())
    assert demo.status(f"/static/{manifest['paths']['admin/css/base.css']}") == 200


@pytest.mark.parametrize("part", ["web", "worker", "beat", "redis", "postgres"])
def test_a_killed_part_comes_back_and_the_facts_show_its_new_number(demo: Running, part: str) -> None:
    before = demo.facts["pids"]
    os.kill(before[part], signal.SIGKILL)
    assert eventually(lambda: demo.facts["pids"][part] != before[part])
    assert eventually(lambda: demo.status("/readyz") == 200)
    assert eventually(lambda: demo.status(f"/c/{demo.facts['links'][0]['code']}") == 302)
    after = demo.facts["pids"]
    assert is_running(after[part])
    assert {name: pid for name, pid in after.items() if name != part} == {
        name: pid for name, pid in before.items() if name != part
    }


@pytest.mark.parametrize("number", range(5))
def test_the_tour_that_it_prints_works_as_pasted(tour: list[dict[str, Any]], number: int) -> None:
    expected = [
        {},
        {"outcome": "accepted"},
        {"outcome": "duplicate"},
        {"outcome": "updated"},
        {"outcome": "unauthorized"},
    ]
    assert expected[number].items() <= tour[number].items()
    assert tour[2]["conversion_id"] == tour[1]["conversion_id"] == tour[3]["conversion_id"]


def test_it_prints_each_sign_in_and_where_mail_goes(demo: Running) -> None:
    printed = demo.log.read_text()
    for login in demo.facts["logins"]:
        assert any(login["email"] in line and login["password"] in line for line in printed.splitlines())
    assert [login["role"] for login in demo.facts["logins"]] == ["operator", "affiliate", "affiliate"]
    assert f"Mail is not sent: each is a file in {demo.data / 'mail'}" in printed


def test_a_second_demo_in_the_folder_is_refused_and_harms_nothing(demo: Running) -> None:
    before = demo.facts
    second = subprocess.run(
        [sys.executable, "-m", "config.embedded.demo"],
        cwd=ROOT, env=demo.env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert second.returncode == 1
    assert f"A demo runs in this folder already (process {demo.process.pid}): {before['base_url']}/" in second.stderr
    assert demo.facts == before
    assert demo.status("/readyz") == 200


def test_a_taken_port_is_refused_before_anything_is_started(demo: Running) -> None:
    other = Running(demo.data / "other")
    other.data.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "config.embedded.demo"],
        cwd=ROOT, env={**other.env, "PORT": demo.env["PORT"]}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"Port {demo.env['PORT']} is taken by another program" in done.stderr
    assert not (other.data / "postgresql").exists()


def test_stops_without_a_trace_and_finds_everything_again(demo: Running) -> None:
    before = demo.facts
    assert demo.stop() == 0
    assert not demo.facts_file.exists()
    assert not [name for name, pid in before["pids"].items() if is_running(pid)]
    demo.start()
    assert {name: demo.facts[name] for name in ("links", "advertisers", "logins", "api_keys")} == {
        name: before[name] for name in ("links", "advertisers", "logins", "api_keys")
    }
    assert demo.log.read_text().count("ok  Bring the database up to date") == 1, "the second start prepared it again"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a parent's death to its child")
def test_nothing_of_it_outlives_a_kill_and_it_starts_again(demo: Running) -> None:
    before = demo.facts["pids"]
    demo.process.kill()
    demo.process.wait(10)
    assert eventually(lambda: not any(is_running(pid) for pid in before.values()))
    demo.facts_file.unlink()
    demo.start()
    assert demo.status("/readyz") == 200
