"""`make demo` and `make dev`: servers, database, demo data, web server, worker and beat, until Ctrl-C.

Every process ends with this one, however it ends; a process that ends by itself is restarted. `make dev` (`--reload`)
also restarts web server, worker and beat when their code or a template changes.
"""

import ctypes
import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import IO, Any

from rich.console import Console

from config.embedded import (
    as_left,
    environment,
    places,
    ports,
    postgresql,
    processes,
    redis_server,
    reloading,
    summary,
    supervisor,
    web_server,
)
from config.embedded.installing.progress import step
from config.embedded.places import DATA, DEMO_FACTS, LOGS, ROOT, EmbeddedError
from config.embedded.processes import Daemon
from config.embedded.supervisor import StopRequested, Supervisor

READY_WITHIN = 120.0
PYTHON = sys.executable
QUIET = {"LOG_LEVEL": "WARNING"}


class Demo:
    """The running demo: its servers, its processes, and the facts that it prints."""

    def __init__(self, *, reload: bool = False) -> None:
        self.reload = reload
        self.console = Console(highlight=False)
        self.supervisor = Supervisor(say=self.say, changed=self.write_facts)
        self.facts: dict[str, Any] = {}
        self.announced = False
        self.as_left = as_left.AsLeft()

    def say(self, text: str) -> None:
        self.console.print(f"{time.strftime('%H:%M:%S')}  {text}", markup=False, soft_wrap=True)

    def start(self) -> None:
        if left := supervisor.end_leftovers(patience=8):
            self.say(f"ended {left} processes that an earlier demo left behind")
        port = ports.web_port(os.environ.get("PORT", ""))
        stored = environment.stored_secrets(DATA / "secrets.json")
        database_url, owner_url = self._database(stored)
        env = {
            **environment.demo_environment(
                port=port, database_url=database_url, redis_url=self._redis(stored), stored=stored
            ),
            processes.MARK: str(DATA),
            "DATABASE_OWNER_URL": "",
        }
        prepared = self.as_left.holds()
        if prepared:  # then loading the project three times is what takes time: do it at once
            self._start_workers(env, port)
        self.facts = {
            "base_url": f"http://{ports.HOST}:{port}",
            # The owner's address is only for migrations: the processes that serve requests never have it.
            **self._prepare({**QUIET, **env, "DATABASE_OWNER_URL": owner_url}, everything=not prepared),
            "database_url": env["DATABASE_URL"],
            "redis_url": env["REDIS_URL"],
        }
        with step("Start web server, worker and beat"):
            if not prepared:
                self._start_workers(env, port)
            self._wait_until_ready(port)
        self.announced = True
        environment.keep_demo_environment(env)
        self.write_facts()

    def _start_workers(self, env: Mapping[str, str], port: int) -> None:
        (DATA / "beat").mkdir(exist_ok=True)
        for daemon in workers(env, port, reload=self.reload):
            self.supervisor.start_worker(daemon)

    def _database(self, stored: Mapping[str, str]) -> tuple[str, str]:
        """The addresses of the database for the application and for migrations; the second may be empty."""
        if url := os.environ.get("DATABASE_URL"):
            with step("Reach the database of DATABASE_URL"):
                postgresql.wait_until_it_answers(url)
            return url, os.environ.get("DATABASE_OWNER_URL", "")
        with step("Start PostgreSQL"):
            server = postgresql.Postgres(
                places.server_home(),
                owner_password=stored["database_owner_password"],
                password=stored["database_password"],
                migrator_password=stored["database_migration_password"],
                log=LOGS / "postgresql.log",
            )
            self.as_left.look_at(server)
            self.supervisor.start_server(server)
        if server.set_aside:
            self.as_left.forget()
            self._set_aside(server.set_aside)
        return server.url, server.migrator_url

    def _set_aside(self, database: str) -> None:
        """Move files of the older database next to it: its clicks on disk and its anchors belong to no other."""
        stored = DATA / database
        stored.mkdir()
        for name in ("spool", "anchors.jsonl"):
            if (DATA / name).exists():
                (DATA / name).rename(stored / name)
        self.say(
            f"The demo data of an older version are set aside in the database {database} and in {stored}; "
            "new ones are made. `make clean` removes both."
        )

    def _redis(self, stored: Mapping[str, str]) -> str:
        if url := os.environ.get("REDIS_URL"):
            with step("Reach the Redis of REDIS_URL"):
                redis_server.check_it_answers(url)
            return url
        with step("Start Redis"):
            server = redis_server.RedisServer(
                places.server_home(), password=stored["redis_password"], log=LOGS / "redis.log"
            )
            self.supervisor.start_server(server)
        return server.url

    def _prepare(self, env: Mapping[str, str], *, everything: bool) -> dict[str, Any]:
        """Migrate and collect if `everything`; seed once; return the facts of the demo data."""
        self.as_left.forget()
        answer = DATA / "facts.json"
        process = subprocess.Popen(
            [PYTHON, "-m", "config.embedded.prepare", str(answer), *(["everything"] if everything else [])],
            cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=processes.die_with_parent(os.getpid(), signal.SIGTERM),
        )  # fmt: skip
        try:
            if process.wait() != 0:
                raise EmbeddedError("The demo could not be prepared: the lines above say which step failed and why.")
            facts: dict[str, Any] = json.loads(answer.read_text())
            self.as_left.remember()
        finally:
            processes.signal_group(process.pid, signal.SIGKILL)
            process.wait()
            answer.unlink(missing_ok=True)
        return facts

    def _wait_until_ready(self, port: int) -> None:
        until = time.monotonic() + READY_WITHIN
        while (answer := not_ready(port)) is not None:
            self.supervisor.require_all()
            if time.monotonic() > until:
                web = processes.last_words(LOGS / "web.log")
                raise EmbeddedError(f"The demo was not ready after {READY_WITHIN:.0f} s: {answer}\n{web}")
            time.sleep(0.1)

    def write_facts(self) -> None:
        """Write .data/demo.json whole, for its owner only; the process numbers change when something is restarted."""
        if self.announced:
            pids: dict[str, int | None] = dict.fromkeys(("web", "worker", "beat", "postgres", "redis"))
            names = {"postgresql": "postgres"}
            pids |= {names.get(daemon.name, daemon.name): daemon.pid for daemon in self.supervisor.daemons}
            places.write_private(DEMO_FACTS, json.dumps({**self.facts, "pids": pids}, indent=2) + "\n")

    def stop(self) -> None:
        self.announced = False
        DEMO_FACTS.unlink(missing_ok=True)
        environment.DEMO_ENVIRONMENT.unlink(missing_ok=True)
        self.supervisor.stop()


def workers(env: Mapping[str, str], port: int, *, reload: bool) -> list[Daemon]:
    """The project's own processes; with `reload` they follow changes of the code."""
    count = 1 if reload else max(2, min(4, os.cpu_count() or 2))
    web = [PYTHON, "-m", "granian", "config.asgi:application", *web_server.OPTIONS]
    web += ["--host", ports.HOST, "--port", str(port), "--workers", str(count)]
    web += ["--respawn-failed-workers", "--respawn-interval", "0.2", "--workers-kill-timeout", "5"]
    celery = [PYTHON, "-m", "celery", "-A", "config"]
    commands = {
        "web": web,
        "worker": [
            *celery,
            "worker",
            "-c",
            "2",
            "--loglevel",
            "INFO",
            "--without-gossip",
            "--without-mingle",
            "--heartbeat-interval",
            "5",
        ],
        "beat": [*celery, "beat", "--loglevel", "WARNING"],
    }
    if reload:
        commands = {name: reloading.watching(each, templates=name == "web") for name, each in commands.items()}
        # Static files are read where they lie, so that a changed one shows.
        env = {**env, "STATIC_MANIFEST": "false"}
    pool = {"DATABASE_POOL_SIZE": env.get("DATABASE_POOL_SIZE") or "8"}
    return [
        Daemon(name, command, log=LOGS / f"{name}.log", env={**env, **pool} if name == "web" else env, cwd=ROOT)
        for name, command in commands.items()
    ]


def not_ready(port: int) -> str | None:
    """None when the web server reports itself and its dependencies ready; otherwise its answer."""
    status, text = ask(port, "/readyz")
    if status == 404:
        status, text = ask(port, "/healthz")
    return None if status == 200 else f"/readyz answered {status or 'nothing'} {text}"


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and text of a GET; status 0 without an answer."""
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


def only_one() -> IO[str]:
    """Hold the lock of this checkout's demo, or say that one runs here. It ends with this process."""
    places.make_data()
    path = DATA / "demo.lock"
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        raise EmbeddedError(f"A demo runs in this folder already ({lock.read().strip() or path}){where()}") from None
    lock.truncate(0)
    lock.write(f"process {os.getpid()}")
    lock.flush()
    return lock


def where() -> str:
    """Where the running demo is found."""
    try:
        return f": {json.loads(DEMO_FACTS.read_text())['base_url']}/\nStop it with Ctrl-C where it was started."
    except (OSError, ValueError, KeyError):
        return " and is still starting.\nWait for it, or stop it with Ctrl-C where it was started."


def end_with_make() -> None:
    """When make is killed, stop as on SIGTERM (Linux)."""
    if "MAKELEVEL" in os.environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(processes.PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def main() -> int:
    """Run the demo until it is stopped. Exit code 0 after a wished stop, 1 after a failure."""
    # Since bootstrap.py began, which may have installed the packages first.
    started = float(os.environ.pop("AFFIDAVIT_STARTED", "") or time.time())
    demo = Demo(reload=sys.argv[1:] == ["--reload"])
    try:
        lock = only_one()
    except EmbeddedError as error:
        return fail(error)
    DEMO_FACTS.unlink(missing_ok=True)
    code = 0
    try:
        web_server.allow_open_files()
        demo.supervisor.listen_for_stop()
        end_with_make()
        demo.start()
        summary.show(demo.console, demo.facts, LOGS)
        demo.say(f"ready after {time.time() - started:.1f} s in all")
        if demo.reload:
            demo.say(
                "reloading: a change of code or templates restarts what uses it; static files are read at each request"
            )
        demo.supervisor.watch()
    except StopRequested:
        demo.say("stopping")
    except EmbeddedError as error:
        code = fail(error)
    finally:
        demo.stop()
        lock.close()
    if code == 0:
        demo.say("stopped; data and logs stay in .data")
    return code


def fail(error: Exception) -> int:
    print(f"\nThe demo stopped: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
