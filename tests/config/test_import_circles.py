"""No module stands in a circle of imports with another, so any of them may be the first one imported."""

import ast
import random
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from django.conf import settings

APPS = ("records", "web", "affiliates", "tracking", "conversions", "payouts", "dashboard", "config")


def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name, packages by theirs."""
    found = {}
    for app in APPS:
        for path in sorted((settings.BASE_DIR / app).rglob("*.py")):
            parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_by(name: str, source: str, known: dict[str, Path]) -> set[str]:
    """The modules that an import of this one runs, wherever in the file the import stands."""
    wanted = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            wanted |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{each.name}" for each in node.names}
            wanted |= {each if each in known else node.module for each in whole}
    with_packages = {".".join(each.split(".")[:n]) for each in wanted for n in range(1, each.count(".") + 2)}
    # A module's own packages are being imported already when it is.
    return {each for each in with_packages if each in known and each != name and not name.startswith(f"{each}.")}


def test_no_module_is_in_a_circle_with_another() -> None:
    known = modules()
    graph = {name: imported_by(name, path.read_text(), known) for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"A circle of imports: {' <- '.join(error.args[1])}")


def test_a_circle_would_be_found(tmp_path: Path) -> None:
    known = {"a": tmp_path / "a.py", "b": tmp_path / "b.py"}
    graph = {
        "a": imported_by("a", "def later():\n    from b import thing", known),
        "b": imported_by("b", "import a", known),
    }
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()


# The panel's own imports are left out: they hide circles by their order.
IN_THIS_ORDER = """
import importlib, os, sys
import django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
from django.contrib.admin.apps import AdminConfig
AdminConfig.ready = lambda self: None
django.setup()
for name in sys.argv[1:]:
    importlib.import_module(name)
"""
# Programs rather than modules: they do their work when they are imported.
PROGRAMS = {"config.asgi", "config.embedded.bootstrap", "config.embedded.clean"}


@pytest.mark.parametrize("seed", range(4))
def test_modules_can_be_imported_in_any_order(seed: int) -> None:
    names = sorted(set(modules()) - PROGRAMS)
    random.Random(seed).shuffle(names)
    done = subprocess.run(
        [sys.executable, "-c", IN_THIS_ORDER, *names], cwd=settings.BASE_DIR, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
