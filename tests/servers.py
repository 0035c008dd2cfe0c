"""The real thing for tests: Granian, Celery, PostgreSQL and Redis as processes that can be killed."""

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.db import connection

from config.embedded import ports, processes, web_server
from config.embedded.processes import Daemon

ROOT = Path(__file__).resolve().parent.parent
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
BIN = Path(sys.executable).parent


def database_url() -> str:
    """The address of the database that this test run has made, for processes outside of it."""
    given = connection.settings_dict
    who = f"{quote(given['USER'])}:{quote(given['PASSWORD'])}"
    return f"postgres://{who}@{given['HOST']}:{given['PORT']}/{given['NAME']}"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.text)


class Web:
    """A Granian server with two worker processes over the given database and Redis."""

    def __init__(self, *, log: Path, env: Mapping[str, str] | None = None, workers: int = 2) -> None:
        self.port = ports.free_port()
        here = f"http://127.0.0.1:{self.port}"
        self.env = {**os.environ, "PUBLIC_URL": here, "CSRF_TRUSTED_ORIGINS": here}
        self.env |= {"SPOOL_DIR": str(log.parent / "spool"), **(env or {})}
        command = [BIN / "granian", *web_server.OPTIONS, "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", str(workers), "config.asgi:application"]
        self.daemon = Daemon("web", command, log=log, env=self.env, cwd=ROOT)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.daemon.start()
        processes.wait_for(self._answers, daemon=self.daemon, patience=60)

    def _answers(self) -> bool:
        try:
            return self.request("GET", "/c/").status == 404
        except OSError:
            time.sleep(0.05)
            return False

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, object] | None = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> Answer:
        """One request; no redirect is followed. Raise OSError when no whole answer came."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            target = path + ("?" + urlencode(params) if params else "")
            client.request(method, target, body=body, headers={"User-Agent": BROWSER, **(headers or {})})
            response = client.getresponse()
            text = response.read().decode(errors="replace")
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, text)
        except http.client.HTTPException as error:
            raise OSError(f"the answer broke off: {error!r}") from error
        finally:
            client.close()

    def click(self, code: str, **params: object) -> str:
        """Follow a link; the click ID that the destination got."""
        answer = self.request("GET", f"/c/{code}", params)
        if answer.status != 302:
            raise OSError(f"the click was answered {answer.status}")
        query = dict(part.partition("=")[::2] for part in urlsplit(answer.headers["location"]).query.split("&"))
        return query.get("click_id") or query["cid"]

    def postback(self, **params: object) -> Answer:
        return self.request("GET", "/postback", params)


@contextmanager
def running(*daemons: Daemon | Web) -> Iterator[None]:
    """Start what is given and stop it afterwards, the last first."""
    started: list[Daemon] = []
    try:
        for daemon in daemons:
            started.append(daemon.daemon if isinstance(daemon, Web) else daemon)
            daemon.start()
        yield
    finally:
        for daemon in reversed(started):
            daemon.stop(5)


def celery(part: str, *options: str, log: Path, env: Mapping[str, str]) -> Daemon:
    """A Celery worker or beat of the project."""
    command = [BIN / "celery", "-A", "config", part, "--loglevel", "WARNING", *options]
    return Daemon(part, command, log=log, env={**os.environ, "C_FORCE_ROOT": "true", **env}, cwd=ROOT)
