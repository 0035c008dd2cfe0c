"""Nothing is prepared again for a demo whose database and static files are as the last start left them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.embedded import as_left, places


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "ROOT", tmp_path)
    monkeypatch.setattr(as_left, "RECORD", tmp_path / "prepared")
    for name in ("shop/migrations/0001_initial.py", "static/site.css", "uv.lock", "postgresql/18/PG_VERSION"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    return tmp_path


def looked_at(checkout: Path, version: str = "18") -> as_left.AsLeft:
    server: Any = SimpleNamespace(data=checkout / "postgresql" / version)
    found = as_left.AsLeft()
    found.look_at(server)
    return found


def test_what_was_prepared_holds_until_it_is_forgotten(checkout: Path) -> None:
    looked_at(checkout).remember()
    again = looked_at(checkout)
    assert again.holds()
    again.forget()
    assert not again.holds()


def test_a_first_start_is_known_to_the_second(checkout: Path) -> None:
    first = looked_at(checkout, "17")
    assert not first.holds()
    (checkout / "postgresql" / "17").mkdir()
    first.remember()
    assert looked_at(checkout, "17").holds()


@pytest.mark.parametrize(
    "name", ["shop/migrations/0001_initial.py", "shop/migrations/0002_more.py", "static/site.css", "uv.lock"]
)
def test_a_changed_file_ends_it(checkout: Path, name: str) -> None:
    looked_at(checkout).remember()
    (checkout / name).write_text("2")
    assert not looked_at(checkout).holds()


def test_another_database_is_not_the_one_that_was_prepared(checkout: Path) -> None:
    looked_at(checkout).remember()
    (checkout / "postgresql" / "16").mkdir()
    assert not looked_at(checkout, "16").holds()
    assert not as_left.AsLeft().holds()  # a database of DATABASE_URL
