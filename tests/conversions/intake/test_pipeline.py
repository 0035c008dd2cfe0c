"""The pipeline is what its lists say: no step calls another one, and each list can be read aloud."""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conversions.intake import pipeline

LISTS: dict[str, tuple[Callable[..., None], ...]] = {
    "read": pipeline.READ,
    "judge": pipeline.JUDGE,
    "write": pipeline.WRITE,
}
STEPS = [step for steps in LISTS.values() for step in steps]
ROOT = Path(inspect.getfile(pipeline)).parent


def calls_of(step: Callable[..., None]) -> set[str]:
    """Names that the module of a step calls, in any of its functions."""
    tree = ast.parse(Path(inspect.getfile(step)).read_text())
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {f.id if isinstance(f, ast.Name) else f.attr for f in called if isinstance(f, ast.Name | ast.Attribute)}


@pytest.mark.parametrize("name", LISTS)
def test_the_steps_of_a_list_stand_in_its_package(name: str) -> None:
    assert {Path(inspect.getfile(step)).parent.name for step in LISTS[name]} == {name}


def test_no_step_is_in_the_lists_twice() -> None:
    assert len({step.__name__ for step in STEPS}) == len(STEPS)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_no_step_calls_another(step: Callable[..., None]) -> None:
    assert calls_of(step) & {other.__name__ for other in STEPS} <= {"parse", "insert"}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_every_step_says_what_it_does(step: Callable[..., None]) -> None:
    assert inspect.getdoc(step)


def test_steps_take_their_batch_and_nothing_else() -> None:
    assert {len(inspect.signature(step).parameters) for step in STEPS} == {1}


def test_a_batch_goes_through_all_steps_in_their_order(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    called: list[str] = []

    def recording(step: Callable[..., None]) -> Callable[..., None]:
        def run(batch: Any) -> None:
            called.append(step.__name__)
            step(batch)

        return run

    from tests.conversions.sending import World, send

    for name in ("READ", "JUDGE", "WRITE"):
        monkeypatch.setattr(pipeline, name, tuple(recording(step) for step in getattr(pipeline, name)))
    world = World()
    send(click_id=world.click(), event_type="purchase", txid="1", revenue="50", currency="EUR")
    assert called == [step.__name__ for step in STEPS]
