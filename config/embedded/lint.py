"""`make lint`: every check of the code, each shown with its time. All checks run, even if one fails.

`python -m config.embedded.lint mypy imports` runs some of them.
"""

import os
import subprocess
import sys
import time

from rich.console import Console

from config.embedded import environment
from config.embedded.places import ROOT

PYTHON = sys.executable
PRODUCTION = {
    "REQUIRE_HTTPS": "true",
    "TRUSTED_PROXIES": "127.0.0.1",
    "PUBLIC_URL": "https://affidavit.example",
    "ALLOWED_HOSTS": "affidavit.example",
    "CSRF_TRUSTED_ORIGINS": "https://affidavit.example",
    "STATIC_MANIFEST": "true",
}
NO_SERVERS = {"DATABASE_URL": "postgres://nobody:none@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9/0"}
MIGRATIONS_NEED_NO_DATABASE = "ignore:Got an error checking a consistent migration history:RuntimeWarning"

CHECKS: dict[str, list[str]] = {
    "format": [PYTHON, "-m", "ruff", "format", "--check", "--output-format", "concise", "."],
    "ruff": [PYTHON, "-m", "ruff", "check", "--output-format", "concise", "."],
    "imports": ["lint-imports", "--no-cache"],
    "locks": [PYTHON, "-m", "config.embedded.locks"],
    "templates": [PYTHON, "-m", "djlint", "--lint", "--quiet", "templates"],
    "migrations": [PYTHON, "-W", MIGRATIONS_NEED_NO_DATABASE, "manage.py", "makemigrations", "--check", "--dry-run"],
    "deploy": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
    "mypy": [PYTHON, "-m", "mypy"],
}


def main() -> int:
    """Run the named checks, all by default; exit code 1 when one failed, 2 for an unknown name."""
    names = sys.argv[1:] or list(CHECKS)
    if unknown := [name for name in names if name not in CHECKS]:
        print(f"Unknown: {', '.join(unknown)}. The checks are: {', '.join(CHECKS)}.", file=sys.stderr)
        return 2
    console = Console(highlight=False)
    failed = [name for name in names if not passes(name, console)]
    if failed:
        console.print(f"[bold red]lint failed:[/] {', '.join(failed)}")
    return 1 if failed else 0


def passes(name: str, console: Console) -> bool:
    """Run one check; show its output only when it fails."""
    started = time.monotonic()
    env = {**os.environ, **environment.checking_environment(), **NO_SERVERS}
    env["PATH"] = f"{os.path.dirname(PYTHON)}{os.pathsep}{env.get('PATH', '')}"
    if name == "deploy":
        env |= PRODUCTION
    done = subprocess.run(CHECKS[name], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    mark = "[green]ok    [/]" if done.returncode == 0 else "[red]FAILED[/]"
    console.print(f"  {mark} {name:<12}{time.monotonic() - started:5.1f} s")
    if done.returncode != 0:
        console.print((done.stdout + done.stderr).rstrip(), markup=False, soft_wrap=True)
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
