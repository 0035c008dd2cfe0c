"""The locked packages, installed by uv or else by pip; why it failed, where it did."""

from __future__ import annotations

import re

from . import folders
from .commands import last_line, log_tail, progress, run_shown
from .progress import Failed, ShownStep
from .stamp import remove_incomplete
from .tools import environment_for_uv, find_uv, pip_command

# What pip's log shows, and what to do then.
HINTS = {
    r"DO NOT MATCH THE HASHES": "A download differs from the locked one. Do not install it; try `pip cache purge`.",
    r"No space left": "The disk is full. Free about 1 GB and run this again.",
    r"CERTIFICATE_VERIFY_FAILED|SSLError": "pip does not trust the index's certificate: set PIP_CERT to the right one.",
    r"NewConnectionError|NameResolution|timed out|ProxyError|ConnectionError": (
        "pip cannot reach its package index. "
        "Check the network, the proxy, and pip's settings (`python3 -m pip config list`)."
    ),
    r"No matching distribution|Could not find a version": (
        "pip's index lacks this package for this Python and platform. Python 3.11 or 3.12 on Linux x86_64 is the "
        "safest choice; an index of your own must carry the package too."
    ),
    r"Failed building wheel|error: command .*(gcc|cc)": (
        "A package has no ready-made wheel for this Python or platform. "
        "Use Python 3.11 or 3.12, or install a C compiler and Python's headers."
    ),
}


def install_packages(kind: str, lock: int, shown: ShownStep) -> None:
    """Install the locked packages with uv, or else with pip."""
    remove_incomplete()
    shown.detail("looking for uv")
    pip = pip_command()
    name, uv = folders.SETS[kind], find_uv(pip)
    if uv:
        command = [
            uv,
            "pip",
            "install",
            "--no-progress",
            "--require-hashes",
            "--python",
            str(folders.PYTHON),
            "-r",
            name,
        ]
        if run_shown(command, lock, last_line, shown, environment_for_uv()) == 0:
            return
        shown.detail("uv could not; pip installs", now=True)
    pip_install(pip, kind, lock, shown)


def pip_install(pip: list[str], kind: str, lock: int, shown: ShownStep) -> None:
    total = len(re.findall(r"^[\w.-]+(\[.*\])?==", (folders.ROOT / folders.SETS[kind]).read_text(), re.M))
    command = [*pip, "install", "--require-hashes", "--no-compile", "--progress-bar", "off", "-r", folders.SETS[kind]]
    begin = folders.LOG.stat().st_size if folders.LOG.exists() else 0
    if run_shown(command, lock, lambda output: progress(output, total), shown) != 0:
        output = folders.LOG.read_bytes()[begin:].decode(errors="replace")
        advice = next(
            (text for pattern, text in HINTS.items() if re.search(pattern, output)), "See the log for the reason."
        )
        raise Failed(f"pip could not install {folders.SETS[kind]}. {advice}\n{log_tail()}")
