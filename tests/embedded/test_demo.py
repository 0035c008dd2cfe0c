"""The whole demo: ready by itself, back after every kill, gone without a trace when it is stopped."""

import http.client
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from config.embedded import places, ports, summary
from config.embedded.places import ROOT

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]
OF_THE_CALLER = {"DATABASE_URL", "REDIS_URL", "MAKELEVEL", "SPOOL_DIR", "AFFIDAVIT_TEST_RUN"}


def eventually(holds: Callable[[], bool], seconds: float = 120) -> bool:
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.1)
    return holds()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Running:
    """A demo with data of its own beside the ones of this checkout."""

    def __init__(self, data: Path) -> None:
        self.data, self.log = data, data / "said.log"
        kept = {name: value for name, value in os.environ.items() if name not in OF_THE_CALLER}
        self.env = {**kept, "AFFIDAVIT_DATA": str(data), "AFFIDAVIT_DEMO_SCALE": "0.05", "PORT": str(ports.free_port())}

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.embedded.demo"], cwd=ROOT, env=self.env, stdout=log, stderr=log
            )
        assert eventually(lambda: self.facts_file.exists() or self.process.poll() is not None, 240)
        assert self.process.poll() is None, self.log.read_text()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    @property
    def facts_file(self) -> Path:
        return self.data / "demo.json"

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads(self.facts_file.read_text())

    def status(self, path: str) -> int:
        address = urlsplit(self.facts["base_url"])
        client = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        try:
            client.request("GET", path, headers={"User-Agent": summary.BROWSER})
            return client.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            client.close()


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    data = places.server_home() / "tests" / f"demo-{os.getpid()}"
    data.mkdir(parents=True)
    data.chmod(0o711)
    running = Running(data)
    try:
        running.start()
        yield running
    finally:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(60)
        subprocess.run(["rm", "-rf", str(data)], check=True)


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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a parent's death to its child")
def test_nothing_of_it_outlives_a_kill_and_it_starts_again(demo: Running) -> None:
    before = demo.facts["pids"]
    demo.process.kill()
    demo.process.wait(10)
    assert eventually(lambda: not any(is_running(pid) for pid in before.values()))
    demo.facts_file.unlink()
    demo.start()
    assert demo.status("/readyz") == 200
