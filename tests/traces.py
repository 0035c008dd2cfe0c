"""What a trace lacks for a reader to follow the decision."""

from conversions.models import Trace

# Steps that every request passes, in their order. What `receive` did is the stored postback itself; rules, risk and
# parking leave lines only where there are any.
ALWAYS = ("authenticate", "parse", "find_click", "attribute", "deduplicate", "decide")
REFUSALS = {"rejected", "invalid", "unauthorized", "forbidden", "unknown_click", "conflict"}


def gaps_of(trace: Trace) -> list[str]:
    """What is missing, in words; empty for a whole trace."""
    gaps = [f"{step['step']} says nothing" for step in trace.steps if not (step["result"] and step["note"])]
    return gaps + _missing_steps(trace) + _unexplained(trace)


def _missing_steps(trace: Trace) -> list[str]:
    """A decision without a request, or of one taken up again, begins where it was left."""
    names = [step["step"] for step in trace.steps]
    if not names:
        return ["no steps"]
    if trace.postback_id is None or "park" in names or names[-1] not in ALWAYS:
        return []
    # An event that is known by its transaction keeps its click and its affiliate.
    known = {"find_click", "attribute"} if trace.conversion_id and "deduplicate" in names else set()
    before = ALWAYS[: ALWAYS.index(names[-1])]
    return [f"no {name} before {names[-1]}" for name in before if name not in {*names, *known}]


def _unexplained(trace: Trace) -> list[str]:
    if trace.outcome not in REFUSALS:
        return []
    decisive = [step for step in trace.steps if step["result"] == trace.outcome]
    if any(step["rule"] and step["input"] for step in decisive):
        return []
    return [f"{trace.outcome} ({trace.reason}) names no rule with its inputs: {decisive}"]
