"""A test run starts from a migrated database that an earlier run left, as long as nothing it was made from changed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded import places, pytest_plugin, test_template
from config.embedded.places import ROOT

INSIDE = Path(__file__).with_name("inside_a_run.py")


def run_one_test(folder: Path) -> None:
    """A test run that keeps its servers and its template in this folder."""
    ours = {"DATABASE_URL", "REDIS_URL", "SPOOL_DIR", pytest_plugin.FROM_RUN, pytest_plugin.TEMPLATE}
    env = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", INSIDE],
        cwd=ROOT, env={**env, "AFFIDAVIT_DATA": str(folder / "data")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def kept(folder: Path) -> list[Path]:
    home = (folder / "data/servers").resolve() if (folder / "data/servers").exists() else folder / "data"
    return sorted((home / "test-template").iterdir())


@pytest.mark.long
@pytest.mark.timeout(400)
def test_the_first_run_leaves_a_migrated_database_and_the_next_copies_it(tmp_path: Path) -> None:
    run_one_test(tmp_path)
    (first,) = kept(tmp_path)
    made = (first / test_template.OWNER_FILE).stat().st_mtime_ns
    run_one_test(tmp_path)
    assert kept(tmp_path) == [first]
    assert (first / test_template.OWNER_FILE).stat().st_mtime_ns == made


class TestName:
    @pytest.fixture
    def checkout(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(places, "ROOT", tmp_path)
        (tmp_path / "tracking/migrations").mkdir(parents=True)
        (tmp_path / "tracking/migrations/0001_initial.py").write_text("one")
        (tmp_path / "uv.lock").write_text("django 5.2")
        return tmp_path

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("tracking/migrations/0001_initial.py", "another"),
            ("tracking/migrations/0002_more.py", "one more"),
            ("uv.lock", "django 5.2.1"),
        ],
    )
    def test_a_change_of_what_makes_the_schema_is_another_template(self, checkout: Path, path: str, text: str) -> None:
        before = test_template.Template(18).home
        (checkout / path).write_text(text)
        assert test_template.Template(18).home != before

    def test_other_files_do_not_matter_and_another_version_of_postgresql_does(self, checkout: Path) -> None:
        before = test_template.Template(18).home
        (checkout / "tracking/views.py").write_text("one")
        assert test_template.Template(18).home == before
        assert test_template.Template(16).home != before


def test_a_template_that_was_not_finished_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = test_template.Template(18)
    template.home = tmp_path / "half"
    (template.home / "data").mkdir(parents=True)
    assert not template.exists
