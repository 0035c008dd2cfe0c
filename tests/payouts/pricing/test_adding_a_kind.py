"""The table of commission kinds: a kind that lacks a part, or has a wrong one, stops the start with a sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from payouts.models import CommissionRule
from payouts.pricing import PricingRule
from payouts.pricing.kind import ALL_LIMITS, PARTS, CommissionKind, Limits
from payouts.pricing.kinds import (
    KINDS,
    UnknownKind,
    checked,
    is_share_of_revenue,
    kind_of,
    table_of,
)
from records.kinds import IncompleteKind
from tests.payouts.new_kind import PAGE, files_of_the_page, kind_of_the_page

HOW_TO = files_of_the_page()


def other(**parts: Any) -> type[CommissionKind]:
    """The page's kind, with some parts otherwise."""
    return type("Other", (kind_of_the_page(),), parts)


def own_parts(kind: type) -> list[str]:
    return [part for part in PARTS if part in vars(kind)]


EVERY_PART = [(type(kind), part) for kind in KINDS.values() for part in own_parts(type(kind))]


def without(kind: type, part: str) -> Any:
    """The kind, as it is when one part was forgotten."""
    given = {name: value for name, value in vars(kind).items() if name in PARTS and name != part}
    return type("Forgetful", kind.__bases__, given)


@pytest.mark.parametrize(("kind", "part"), EVERY_PART, ids=[f"{kind.__name__} {part}" for kind, part in EVERY_PART])
def test_a_kind_that_lacks_a_part_is_refused_by_its_name(kind: type, part: str) -> None:
    with pytest.raises(IncompleteKind, match=rf"Forgetful \(.*\) lacks `{part}`: "):
        table_of([without(kind, part)])


def test_every_part_is_forgotten_in_one_of_these() -> None:
    assert {part for _, part in EVERY_PART} == PARTS.keys() - {"prices"}
    with pytest.raises(IncompleteKind, match="Forgetful .* lacks `prices`: what it prices, by its base: PerEvent"):
        table_of([type("Forgetful", (CommissionKind,), {part: "given" for part in PARTS if part != "prices"})])


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"code": "far_too_long_a_code"}, "at most 12 letters"),
        ({"code": "two words"}, "must be a word"),
        ({"columns": frozenset({"amount", "colour"})}, "colour is none of them"),
        ({"columns": frozenset({"amount", "percent"})}, "`inputs` has none for percent"),
        ({"inputs": {**kind_of_the_page().inputs, "country": None}}, "has country, which every rule has"),
        ({"limits": Limits((*ALL_LIMITS.names, "mood"))}, "mood is none of them"),
        ({"limits": Limits(("is_component",))}, r"has no sentence \(`problem`\) for a rule that has cap_amount"),
        ({"limits": Limits(ALL_LIMITS.names[:-1])}, r"has no sentence \(`component_problem`\)"),
    ],
)
def test_a_part_that_cannot_be_used_is_refused(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(IncompleteKind, match=words):
        checked(other(**parts))


def test_two_kinds_of_one_code_are_refused() -> None:
    with pytest.raises(IncompleteKind, match="has the code 'every_nth', which .* has"):
        table_of([kind_of_the_page(), other()])


def test_a_rule_of_an_unknown_kind_is_neither_priced_nor_shown_revenue() -> None:
    rule = PricingRule(id=1, goal_id=None, goal_name="", kind="brand_new")
    assert not is_share_of_revenue(rule)
    with pytest.raises(UnknownKind, match="no commission kind 'brand_new'; there are flat, percent"):
        kind_of(rule)


@pytest.mark.parametrize("answer", [None, "", 1, "no", False])
def test_only_true_shows_the_revenue(answer: object, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = other(is_share_of_revenue=lambda self, rule: answer)
    monkeypatch.setitem(KINDS, "every_nth", checked(kind))
    assert not is_share_of_revenue(PricingRule(id=1, goal_id=None, goal_name="", kind="every_nth"))


def test_the_names_in_code_are_those_of_the_table() -> None:
    assert CommissionRule.Kind.choices == [(code, kind.label) for code, kind in KINDS.items()]


def test_the_page_explains_every_part() -> None:
    assert [part for part, what in PARTS.items() if f"| `{part}` | {what} |" not in PAGE.read_text()] == []


def test_the_documentation_lists_every_kind() -> None:
    call_command("commission_kinds", "--check")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project, of which what the page changes is a copy, and the rest links."""
    own = {"manage.py", "config", "payouts", "docs"}
    for each in Path(settings.BASE_DIR).iterdir():
        if each.name.startswith("."):
            continue
        if each.name not in own:
            (tmp_path / each.name).symlink_to(each)
        elif each.is_dir():
            shutil.copytree(each, tmp_path / each.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(each, tmp_path / each.name)
    return tmp_path


def manage(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=copy, env=environment, capture_output=True, text=True, timeout=100
    )


def contents(copy: Path) -> dict[str, bytes]:
    folders = [copy / name for name in ("config", "payouts", "docs")]
    return {
        str(file.relative_to(copy)): file.read_bytes()
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


@pytest.mark.slow
def test_the_page_followed_to_the_letter_adds_a_kind(copy: Path, db: None) -> None:
    before = contents(copy)
    path, second = "payouts/pricing/kinds/every_nth.py", "payouts/verification/independent/kinds/every_nth.py"
    for each in (path, second):
        (copy / each).write_text(HOW_TO[each])
    for words in (["makemigrations", "payouts", "--name", "every_nth"], ["commission_kinds"]):
        done = manage(copy, *words)
        assert done.returncode == 0, done.stderr
    after = contents(copy)
    [migration] = [name for name in after if name.endswith("_every_nth.py")]
    assert {name for name in after if after[name] != before.get(name)} == {
        path,
        second,
        migration,
        "docs/commission.md",
    }
    assert b"rule_has_its_price" in after[migration]
    assert b"every_nth" in after[migration]
    assert b"| `every_nth` |" in after["docs/commission.md"]


@pytest.mark.slow
def test_the_server_does_not_start_with_a_kind_that_lacks_a_part(copy: Path) -> None:
    path = "payouts/pricing/kinds/every_nth.py"
    (copy / path).write_text(HOW_TO[path].replace("def needs_revenue", "def needs_turnover"))
    done = manage(copy, "check")
    assert done.returncode != 0
    assert done.stderr.strip().endswith(
        "payouts.pricing.kinds.every_nth.EveryNth (every_nth) lacks `needs_revenue`: "
        "whether an event without revenue earns nothing."
    )


def test_the_test_of_the_page_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "every_nth", checked(kind_of_the_page()))
    module: dict[str, Any] = {"__name__": "test_every_nth"}
    exec(HOW_TO["tests/payouts/test_every_nth.py"], module)  # noqa: S102 # our own page
    module["test_every_third_conversion_earns"]()
