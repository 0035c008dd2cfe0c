"""A private directory that the servers' account can reach, and the tools to look at processes."""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded import places


@pytest.fixture
def home() -> Iterator[Path]:
    directory = places.server_home() / "tests" / f"embedded-{os.getpid()}-{secrets.token_hex(3)}"
    directory.mkdir(parents=True)
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)
