"""What .venv holds, and the stamp of a finished install, which spares the next start from looking."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from . import folders

# Run by .venv's own Python: which of the locked packages are missing, incomplete or of another version.
# pip and uv write INSTALLER after a package's files, so a package without it was cut short.
LIST_MISSING = """
import importlib.metadata as metadata, pathlib, re, sys
try:
    from packaging.requirements import Requirement
except ImportError:
    from pip._vendor.packaging.requirements import Requirement
installed = {}
for found in metadata.distributions():
    name = re.sub(r"[-_.]+", "-", found.metadata["Name"] or "").lower()
    installed[name] = found.version if found.read_text("INSTALLER") else "incomplete"
for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
    text = line.split("--hash")[0].rstrip("\\\\ ").strip()
    if not text or line[0] in "# -":
        continue
    wanted = Requirement(text)
    if wanted.marker is None or wanted.marker.evaluate():
        if installed.get(re.sub(r"[-_.]+", "-", wanted.name).lower()) != str(wanted.specifier).lstrip("="):
            print(wanted.name)
"""


def fingerprint(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def read_stamp() -> dict[str, Any]:
    try:
        stamp = json.loads(folders.STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(kind: str, version: str) -> None:
    """Record what is installed. Written last, so that only a finished install has it."""
    stamp = read_stamp()
    sets = stamp.get("sets", {}) if stamp.get("python") == version else {}
    sets[folders.SETS[kind]] = fingerprint(folders.ROOT / folders.SETS[kind])
    fresh = folders.STAMP.with_name(f"{folders.STAMP.name}.new")
    fresh.write_text(json.dumps({"python": version, "sets": sets}, indent=2) + "\n")
    fresh.replace(folders.STAMP)


def venv_version() -> str:
    """The version of .venv's Python; empty when there is none or it does not run."""
    try:
        done = subprocess.run(
            [str(folders.PYTHON), "-c", "import platform; print(platform.python_version())"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def is_installed(kind: str, version: str) -> bool:
    stamp = read_stamp()
    return bool(version) and stamp.get("python") == version and (
        stamp.get("sets", {}).get(folders.SETS[kind]) == fingerprint(folders.ROOT / folders.SETS[kind])
    )  # fmt: skip


def holds_all(kind: str) -> bool:
    """Whether .venv already holds every locked package, however it was installed."""
    command = [str(folders.PYTHON), "-c", LIST_MISSING, str(folders.ROOT / folders.SETS[kind])]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0 and not done.stdout.strip()


def remove_incomplete() -> None:
    """Forget packages whose install was cut short; pip would take them for installed."""
    for info in folders.VENV.glob("lib*/python3*/site-packages/*.dist-info"):
        if not (info / "INSTALLER").exists():
            shutil.rmtree(str(info), ignore_errors=True)
