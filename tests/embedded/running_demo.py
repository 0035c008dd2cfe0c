"""A demo of a test's own: started, looked at through its facts, stopped."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.embedded import places, ports, summary
from config.embedded.places import ROOT

OF_THE_CALLER = {"DATABASE_URL", "REDIS_URL", "MAKELEVEL", "SPOOL_DIR", "AFFIDAVIT_TEST_RUN"}


def eventually(holds: Callable[[], bool], seconds: float = 120) -> bool:
    until = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.1)
    return held


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Running:
    """A demo with data of its own beside the ones of the checkout."""

    def __init__(self, data: Path, *, checkout: Path = ROOT, options: tuple[str, ...] = ()) -> None:
        self.data, self.log, self.checkout, self.options = data, data / "printed.log", checkout, options
        kept = {name: value for name, value in os.environ.items() if name not in OF_THE_CALLER}
        self.env = {**kept, "AFFIDAVIT_DATA": str(data), "AFFIDAVIT_DEMO_SCALE": "0.05", "PORT": str(ports.free_port())}

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.embedded.demo", *self.options],
                cwd=self.checkout,
                env=self.env,
                stdout=log,
                stderr=log,
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
        return self.get(path)[0]

    def get(self, path: str) -> tuple[int, str]:
        """Status and text; 0 without an answer."""
        address = urlsplit(self.facts["base_url"])
        client = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        try:
            client.request("GET", path, headers={"User-Agent": summary.BROWSER})
            answer = client.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            client.close()


@contextmanager
def demo_in(name: str, *, checkout: Path = ROOT, options: tuple[str, ...] = ()) -> Iterator[Running]:
    """A running demo whose data lie where the servers' account can reach them; they are removed at the end."""
    data = places.server_home() / "tests" / name
    data.mkdir(parents=True)
    data.chmod(0o711)
    running = Running(data, checkout=checkout, options=options)
    try:
        running.start()
        yield running
    finally:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(60)
        shutil.rmtree(data, ignore_errors=True)
