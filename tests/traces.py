"""What a trace lacks for a reader to follow the decision."""

from collections.abc import Generator

import pytest
from django.db import DatabaseError, connection

from conversions.models import Trace
from tests.factories import TraceFactory

# Steps that every request passes, in their order. What `receive` did is the stored postback itself; rules, risk and
# parking leave lines only where there are any.
ALWAYS = ("authenticate", "parse", "find_click", "attribute", "deduplicate", "decide")
REFUSALS = {"rejected", "invalid", "unauthorized", "forbidden", "unknown_click", "conflict"}


def gaps_of(trace: Trace) -> list[str]:
    """What is missing, in words; empty for a whole trace."""
    gaps = [f"{step['step']} says nothing" for step in trace.steps if not (step["result"] and step["note"])]
    return gaps + _missing_steps(trace) + _unexplained(trace)


def _missing_steps(trace: Trace) -> list[str]:
    """A decision without a request, or of one that was resumed, begins where it was left."""
    names = [step["step"] for step in trace.steps]
    if not names:
        return ["no steps"]
    if trace.postback_id is None or "park" in names or names[-1] not in ALWAYS:
        return []
    if names[0] != ALWAYS[0] and _follows_another(trace):
        return []
    # An event that is known by its transaction keeps its affiliate.
    known = {"attribute"} if trace.conversion_id and "deduplicate" in names else set()
    before = ALWAYS[: ALWAYS.index(names[-1])]
    return [f"no {name} before {names[-1]}" for name in before if name not in {*names, *known}]


def _follows_another(trace: Trace) -> bool:
    """Whether it adds to an earlier decision of the same request: a look at a click that came late."""
    return Trace.objects.filter(postback=trace.postback_id, pk__lt=trace.pk).exists()


def _unexplained(trace: Trace) -> list[str]:
    if trace.outcome not in REFUSALS:
        return []
    decisive = [step for step in trace.steps if step["result"] == trace.outcome]
    if any(step["rule"] and step["input"] for step in decisive):
        return []
    return [f"{trace.outcome} ({trace.reason}) names no rule with its inputs: {decisive}"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """After a test that held: no decision that it left behind lacks a step, a rule or an input."""
    yield
    if gaps := _gaps():
        pytest.fail(f"The test passed, but traces of its decisions cannot be followed: {gaps}")


def _gaps() -> list[str]:
    """What is missing in the traces that are stored; traces that a test wrote itself say what it liked."""
    try:
        if connection.needs_rollback:
            return []
        rows = list(Trace.objects.select_related("postback").order_by("pk"))
    except (RuntimeError, DatabaseError):  # a test without the database, or one that broke it
        return []
    return [f"{row}: {gap}" for row in rows if row.steps != TraceFactory.steps for gap in gaps_of(row)]
