"""The web servers that are compared, each started over the same database and cores."""

import grp
import http.client
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.installation import WEB_POOL, Installation
from config.embedded import places, ports, processes, web_server
from config.embedded.places import ROOT
from config.embedded.processes import Daemon

WORKERS = 2
# The fastest of 1, 4 and 16 for the plain Django views; more threads share one interpreter's lock.
PLAIN_THREADS = 4
NGINX = """
worker_processes {workers};
daemon off;
pid {home}/nginx.pid;
error_log {home}/nginx.log;
{user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  server {{ listen 127.0.0.1:{port}; return 302 https://casino.example/welcome; }}
}}
"""


@dataclass
class WebServer:
    """A running server. `database` is the one that it writes into; nothing when it stores nothing."""

    name: str
    daemon: Daemon
    port: int
    database: str = ""

    @property
    def pid(self) -> int:
        assert self.daemon.pid
        return self.daemon.pid


def affidavit(site: Installation, name: str = "Affidavit", database: str = "") -> WebServer:
    """Our own server, as the demo and the operating guide start it."""
    database = database or site.database
    env = {**site.environment(database), "DATABASE_POOL_SIZE": WEB_POOL}
    return _granian(site, name, "config.asgi:application", [*web_server.OPTIONS], env, database)


def plain_django(site: Installation) -> WebServer:
    """Ordinary Django views over the same database."""
    options = [*web_server.OPTIONS, "--interface", "wsgi", "--blocking-threads", str(PLAIN_THREADS)]
    env = {**site.environment(), "DJANGO_SETTINGS_MODULE": "bench.baselines.settings"}
    return _granian(site, "plain Django view", "bench.baselines.wsgi:application", options, env, site.database)


def bare_asgi(site: Installation) -> WebServer:
    """A fixed 302 from Python, nothing stored."""
    options = [*web_server.OPTIONS]
    return _granian(site, "bare ASGI 302", "bench.baselines.bare:application", options, site.environment(), "")


def nginx(site: Installation) -> WebServer | None:
    """A fixed 302 from nginx, nothing stored; None where nginx is not installed."""
    program = nginx_program()
    if program is None:
        return None
    home, port = site.home / "nginx", ports.free_port()
    home.mkdir(exist_ok=True)
    settings = home / "nginx.conf"
    settings.write_text(NGINX.format(workers=WORKERS, home=home, port=port, user=_user()))
    command: list[str | Path] = [program, "-p", home, "-c", settings, "-e", home / "nginx.log"]
    return _started(
        site, WebServer("nginx fixed 302", Daemon("nginx", command, log=home / "out", env={}, cwd=home), port)
    )


def nginx_program() -> str | None:
    """nginx is often where only root's PATH leads."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


def _user() -> str:
    account = places.server_account()
    return f"user {account.name} {grp.getgrgid(account.gid).gr_name};" if account else ""


def _granian(
    site: Installation, name: str, application: str, options: list[str], env: dict[str, str], database: str
) -> WebServer:
    port = ports.free_port()
    command = [sys.executable, "-m", "granian", application, *options, "--host", ports.HOST]
    command += ["--port", str(port), "--workers", str(WORKERS), "--workers-kill-timeout", "5"]
    log = site.home / f"web-{port}.log"
    return _started(site, WebServer(name, Daemon(name, command, log=log, env=env, cwd=ROOT), port, database))


def _started(site: Installation, server: WebServer) -> WebServer:
    site.start(server.daemon)
    processes.wait_for(lambda: _answers(server), daemon=server.daemon, patience=60)
    return server


def _answers(server: WebServer) -> bool:
    """Whether the server answers at all. Its answer to a link that does not exist is ignored."""
    try:
        return get(server.port, "/c/is-it-up").status < 500
    except OSError:
        time.sleep(0.05)
        return False


@dataclass(frozen=True)
class Answer:
    status: int
    text: str


def get(port: int, target: str) -> Answer:
    """One request; raise OSError when no answer came."""
    client = http.client.HTTPConnection(ports.HOST, port, timeout=20)
    try:
        client.request("GET", target)
        response = client.getresponse()
        return Answer(response.status, response.read().decode())
    except http.client.HTTPException as error:
        raise OSError(f"no answer: {error!r}") from error
    finally:
        client.close()
