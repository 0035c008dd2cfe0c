"""The installers: a pip that can work on .venv, uv where it can be had, and pip's settings in uv's words."""

from __future__ import annotations

import configparser
import contextlib
import os
import shutil
import sys
import sysconfig
from pathlib import Path

from . import folders
from .commands import log_tail, run
from .progress import Failed

# pip's settings, and uv's variable for each.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


def make_venv() -> None:
    """Make .venv without pip: that takes seconds, and pip works on it from outside."""
    if run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folders.VENV)]) != 0:
        raise Failed(f"{sys.executable} cannot make a virtual environment in {folders.VENV}.\n{log_tail()}")


def pip_command() -> list[str]:
    """pip of .venv, else the pip that this Python carries, run from its wheel, else the system's working on .venv."""
    own = [str(folders.PYTHON), "-m", "pip"]
    if (folders.VENV / "bin" / "pip").exists() and run([*own, "--version"]) == 0:
        return own
    wheels = carried_wheels()
    if wheels:
        return [str(folders.PYTHON), str(wheels[-1] / "pip")]
    system = [sys.executable, "-m", "pip", "--python", str(folders.PYTHON)]
    if run([*system, "--version"]) == 0:
        return system
    raise Failed("This Python has no pip. On Debian or Ubuntu: apt install python3-venv. Then run this again.")


def carried_wheels() -> list[Path]:
    """The wheels of pip that come with this Python; Debian has them in a package of its own."""
    folders = [Path(sysconfig.get_path("stdlib")) / "ensurepip" / "_bundled"]
    packaged = sysconfig.get_config_var("WHEEL_PKG_DIR")
    if packaged:
        folders.append(Path(packaged))
    return [wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))]


def find_uv(pip: list[str]) -> str:
    """The uv on PATH, else the locked one in .venv, which pip puts there; empty when there is none or pip is wanted."""
    if os.environ.get("AFFIDAVIT_INSTALLER") == "pip":
        return ""
    own = folders.VENV / "bin" / "uv"
    for program in (shutil.which("uv"), str(own)):
        if program and run([program, "--version"]) == 0:
            return program
    done = run([*pip, "install", "--no-deps", "--require-hashes", "-r", folders.UV_LOCK])
    return str(own) if done == 0 and run([str(own), "--version"]) == 0 else ""


def environment_for_uv() -> dict[str, str]:
    """This environment with pip's settings in uv's words, where uv has none of its own."""
    found = {PIP_TO_UV[name]: value for name, value in pip_settings().items() if name in PIP_TO_UV}
    if "UV_FIND_LINKS" in found:
        found["UV_FIND_LINKS"] = ",".join(found["UV_FIND_LINKS"].split())
    # Every package is locked by hash, so it does not matter which index it comes from.
    own = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_PYTHON_DOWNLOADS": "never"}
    return {**own, **found, **os.environ}


def pip_settings() -> dict[str, str]:
    """What pip's files and variables set, by the option's name; a later one has precedence."""
    home, config = Path.home(), Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf", config / "pip/pip.conf"]
    files += [home / "Library/Application Support/pip/pip.conf", Path(os.environ.get("PIP_CONFIG_FILE") or os.devnull)]
    read = configparser.RawConfigParser()
    with contextlib.suppress(configparser.Error, OSError):
        read.read([str(file) for file in files])
    found: dict[str, str] = {}
    for section in ("global", "install"):
        found |= dict(read.items(section)) if read.has_section(section) else {}
    for name, value in os.environ.items():
        if name.startswith("PIP_"):
            found[name[4:].lower().replace("_", "-")] = value
    return {name: value for name, value in found.items() if value}
