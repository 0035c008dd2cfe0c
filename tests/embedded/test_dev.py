"""`make dev`: a change of a template, of a view and of a task is in force without a restart by hand."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded.places import ROOT
from tests.embedded.running_demo import Running, demo_in, eventually

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout's files, which a test may change."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    return copy


@pytest.fixture(scope="module")
def dev(checkout: Path) -> Iterator[Running]:
    with demo_in(f"dev-{os.getpid()}", checkout=checkout, options=("--reload",)) as running:
        yield running


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_a_changed_template_shows(dev: Running, checkout: Path) -> None:
    page = checkout / "templates" / "account" / "login.html"
    page.write_text(page.read_text().replace("{% endblock content %}", "A new sentence.{% endblock content %}"))
    assert eventually(lambda: "A new sentence." in dev.get("/accounts/login/")[1])


def test_a_changed_style_sheet_shows(dev: Running, checkout: Path) -> None:
    style = checkout / "static" / "portal" / "portal.css"
    style.write_text(style.read_text() + ".quite-new {}\n")
    assert eventually(lambda: ".quite-new" in dev.get("/static/portal/kit.css")[1])


def test_a_changed_view_answers(dev: Running, checkout: Path) -> None:
    change(checkout / "config" / "http" / "public_files.py", r'b"User-agent: *\n', r'b"# New.\nUser-agent: *\n')
    assert eventually(lambda: dev.get("/robots.txt")[1].startswith("# New."))


def test_a_changed_task_runs(dev: Running, checkout: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    call = "    return marks.mark_waiting("
    change(checkout / "tracking" / "tasks.py", call, f"    open({str(ran)!r}, 'a').close()\n{call}")
    # Clicks are marked once there are any.
    assert eventually(lambda: dev.get("/c/ana-shop")[0] == 302 and ran.exists())


def test_a_slip_of_the_pen_is_got_over(dev: Running, checkout: Path) -> None:
    """Code that cannot be read stops the pages until it is put right, not the demo."""
    view = checkout / "config" / "http" / "public_files.py"
    right = view.read_text()
    view.write_text(right + "\nthis is no Python\n")
    assert eventually(lambda: dev.status("/robots.txt") == 0)
    view.write_text(right)
    assert eventually(lambda: dev.status("/robots.txt") == 200)
    assert dev.process.poll() is None
