"""The requirements for pip and uv.lock: any difference is named."""

from pathlib import Path

import pytest

from config.embedded import locks

A, B = "a" * 64, "b" * 64
LOCK = f"""
[[package]]
name = "affidavit"
version = "0.1.0"
dependencies = [{{ name = "celery", extra = ["redis"] }}]
[package.optional-dependencies]
embedded = [{{ name = "server" }}]
[package.dev-dependencies]
dev = [{{ name = "tool" }}]
installer = [{{ name = "fast" }}]
[[package]]
name = "celery"
version = "5.7.0"
sdist = {{ hash = "sha256:{A}" }}
wheels = [{{ hash = "sha256:{B}" }}]
[package.optional-dependencies]
redis = [{{ name = "redis" }}]
[[package]]
name = "redis"
version = "8.1.0"
wheels = [{{ hash = "sha256:{A}" }}]
[[package]]
name = "server"
version = "1.0"
wheels = [{{ hash = "sha256:{A}" }}]
[[package]]
name = "tool"
version = "2.0"
wheels = [{{ hash = "sha256:{B}" }}]
[[package]]
name = "fast"
version = "3.0"
source = {{ registry = "https://pypi.org/simple" }}
wheels = [{{ url = "https://files.pythonhosted.org/packages/fast-3.0.whl", hash = "sha256:{A}" }}]
"""
CELERY = f"celery==5.7.0 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n"
REDIS = f"redis==8.1.0 ; python_version < '3.13' \\\n    --hash=sha256:{A}\n"
SERVER = f"server==1.0 \\\n    --hash=sha256:{A}\n"
FAST = f"fast==3.0 \\\n    --hash=sha256:{A}\n"
TOOL = f"tool==2.0 \\\n    --hash=sha256:{B}\n"


def differences(tmp_path: Path, text: str, lock: str = LOCK) -> list[str]:
    (tmp_path / "uv.lock").write_text(lock)
    (tmp_path / "requirements-uv.txt").write_text(FAST)
    (tmp_path / "requirements.txt").write_text("# comment\n" + text)
    (tmp_path / "requirements-dev.txt").write_text(CELERY + REDIS + SERVER + TOOL)
    return locks.differences(tmp_path)


def test_agreeing_files_have_no_differences(tmp_path: Path) -> None:
    assert differences(tmp_path, CELERY + REDIS + SERVER) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CELERY + SERVER, "redis is missing"),
        (CELERY + REDIS + SERVER + TOOL, "tool is not in uv.lock"),
        (CELERY.replace("5.7.0", "5.6.0") + REDIS + SERVER, "celery is 5.6.0, uv.lock has 5.7.0"),
        (CELERY + REDIS.replace(A, B) + SERVER, "redis 8.1.0 has other hashes than in uv.lock"),
        (
            CELERY.replace(f" \\\n    --hash=sha256:{B}", "") + REDIS + SERVER,
            "celery 5.7.0 has other hashes than in uv.lock",
        ),
    ],
)
def test_each_difference_is_named(tmp_path: Path, text: str, expected: str) -> None:
    assert differences(tmp_path, text) == [f"requirements.txt: {expected}"]


@pytest.mark.parametrize("public", ["pypi.org", "files.pythonhosted.org"])
def test_an_index_that_others_cannot_reach_is_named(tmp_path: Path, public: str) -> None:
    found = differences(tmp_path, CELERY + REDIS + SERVER, LOCK.replace(public, "mirror.example:8081"))
    assert found == ["uv.lock: mirror.example:8081 is not the public index"]


def test_the_projects_own_files_agree_and_name_no_other_index() -> None:
    assert locks.differences() == []
