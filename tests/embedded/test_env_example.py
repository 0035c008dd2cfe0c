"""`.env.example` names every variable that the project reads, and none that it does not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Set by other programs or by ourselves for our own processes, never by people.
NOT_FOR_PEOPLE = {"MAKELEVEL", "PYTEST_XDIST_WORKER", "AFFIDAVIT_STARTED", "XDG_CONFIG_HOME", "PIP_CONFIG_FILE"}
# Read outside of config/: by the browser tests and the screenshots.
READ_ELSEWHERE = {"CHROMIUM_PATH", "REQUIRE_BROWSER"}


def literal_arguments(source: str, wanted: set[str]) -> Iterator[str]:
    """The first arguments, where they are plain texts, of calls and subscripts that match a name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            reported, argument = ast.unparse(node.func), node.args[0]
        elif isinstance(node, ast.Subscript):
            reported, argument = ast.unparse(node.value), node.slice
        else:
            continue
        if any(re.fullmatch(pattern, reported) for pattern in wanted) and isinstance(argument, ast.Constant):
            yield str(argument.value)


def read_by_settings() -> set[str]:
    source = (ROOT / "config" / "settings.py").read_text()
    return set(literal_arguments(source, {r"env\.\w+", "required"}))


def read_by_the_embedded_part() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "config" / "embedded").rglob("*.py"):
        found |= set(literal_arguments(path.read_text(), {r"os\.environ\.get", r"os\.environ"}))
    return found - NOT_FOR_PEOPLE


def named_in_the_example() -> list[str]:
    return re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)


def test_the_search_finds_what_is_known_to_be_read() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "LOG_JSON", "STATIC_ROOT"} <= read_by_settings()
    assert {"PORT", "AFFIDAVIT_PG_VERSION", "REDIS_URL"} <= read_by_the_embedded_part()


def test_names_every_variable_that_is_read() -> None:
    missing = (read_by_settings() | read_by_the_embedded_part()) - set(named_in_the_example())
    assert not missing, f"explain these in .env.example: {sorted(missing)}"


def test_names_nothing_that_is_not_read() -> None:
    unread = set(named_in_the_example()) - read_by_settings() - read_by_the_embedded_part() - READ_ELSEWHERE
    assert not unread, f"no code reads these any more: {sorted(unread)}"


def test_names_each_variable_once_and_explains_it() -> None:
    names = named_in_the_example()
    assert len(names) == len(set(names))
    lines = (ROOT / ".env.example").read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"#?[A-Z][A-Z0-9_]+=", line):
            assert lines[number - 1].startswith("# "), f"no explanation above {line}"
