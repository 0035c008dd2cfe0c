"""Secrets are made once and kept closed; `.env` is never read by the demo or the tests."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from config.embedded import environment, places
from config.embedded.places import EmbeddedError
from payouts.paying.bank_files import account_problem


def demo(stored: dict[str, str]) -> dict[str, str]:
    return environment.demo_environment(port=8000, database_url="postgres://d", redis_url="redis://r", stored=stored)


def test_secrets_are_made_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = environment.stored_secrets(path)
    assert environment.stored_secrets(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(set(first.values())) == len(first)


def test_a_secret_that_a_newer_version_needs_is_added_to_the_kept_ones(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps({"SECRET_KEY": "kept"}))
    known = environment.stored_secrets(path)
    assert known["SECRET_KEY"] == "kept"
    assert known["database_password"]


def test_a_damaged_secrets_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("{")
    with pytest.raises(EmbeddedError, match=r"secrets.json cannot be read.*start afresh with `make clean`"):
        environment.stored_secrets(path)
    assert path.read_text() == "{"


def test_the_caller_s_own_secret_wins_over_the_kept_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = environment.stored_secrets(tmp_path / "secrets.json")
    monkeypatch.setenv("CLICK_ID_KEYS", "7:mine")
    monkeypatch.delenv("SECRET_KEY")
    assert demo(stored)["CLICK_ID_KEYS"] == "7:mine"
    assert demo(stored)["SECRET_KEY"] == stored["SECRET_KEY"]


def test_the_demo_and_the_tests_read_no_env_file(tmp_path: Path) -> None:
    assert demo(environment.stored_secrets(tmp_path / "secrets.json"))["ENV_FILE"] == os.devnull
    assert os.environ["ENV_FILE"] == os.devnull


def test_the_demo_can_make_sepa_files_and_leaves_an_account_of_ones_own_alone(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    for name in ("OPERATOR_NAME", "OPERATOR_IBAN", "OPERATOR_BIC"):
        monkeypatch.delenv(name, raising=False)
    stored = {"SECRET_KEY": "a", "CLICK_ID_KEYS": "b", "FIELD_KEYS": "c"}
    for name in ("OPERATOR_NAME", "OPERATOR_IBAN", "OPERATOR_BIC"):
        setattr(settings, name, demo(stored)[name])
    assert account_problem("sepa") == ""
    monkeypatch.setenv("OPERATOR_IBAN", "NL91ABNA0417164300")
    assert demo(stored)["OPERATOR_IBAN"] == "NL91ABNA0417164300"
    assert "OPERATOR_BIC" not in demo(stored)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    places.write_private(path, "old")
    with pytest.raises(TypeError):
        places.write_private(path, 5)  # type: ignore[arg-type]
    assert path.read_text() == "old"
    places.write_private(path, "new")
    assert path.read_text() == "new"


def test_a_command_finds_the_running_demo_unless_it_has_settings_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "DEMO_FACTS", tmp_path / "demo.json")
    monkeypatch.setattr(places, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "DEMO_ENVIRONMENT", tmp_path / "environment.json")
    for name in ("DATABASE_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    environment.keep_demo_environment(demo({"SECRET_KEY": "a", "CLICK_ID_KEYS": "b", "FIELD_KEYS": "c"}))
    assert environment.running_demo() == {}
    places.DEMO_FACTS.write_text("{}")
    assert environment.running_demo()["DATABASE_URL"] == "postgres://d"
    assert stat.S_IMODE(environment.DEMO_ENVIRONMENT.stat().st_mode) == 0o600
    monkeypatch.setenv("DATABASE_URL", "postgres://mine")
    assert environment.running_demo() == {}
