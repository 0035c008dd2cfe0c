"""Test events: requests with `test=1` or clicks of a test link. They never mix with real events.

The flag is read in its usual spellings, at every endpoint: a test order of another platform must not be paid. A value
that is no plain yes or no is refused, for no one knows whether the event is a test.
"""

from conversions.dialects.other_names import is_live_name, is_test_name
from conversions.intake.case import Case
from conversions.intake.read.macros import unfilled
from conversions.reasons.codes import Reason
from web.characters import visible
from web.http import clean

PREFIX = "test|"
_YES = frozenset({"1", "true", "yes", "y", "t", "on", "enabled", "test", "sandbox"})
_NO = frozenset({"0", "false", "no", "n", "f", "off", "disabled", "live", "prod", "production"})


def set_tests_apart(cases: list[Case]) -> None:
    """Give test events a key of their own, so a real event with the same transaction ID still counts."""
    for case in cases:
        if case.is_open and (_says_test(case) or _has_test_link(case)):
            case.is_test = True
            if case.dedupe_key:
                case.dedupe_key = PREFIX + case.dedupe_key


def _says_test(case: Case) -> bool:
    """Whether one of the flags says so; each is read, so that a wrong one beside it is reported."""
    when = case.mapping.test_when
    if when and any((name.strip().lower(), visible(raw).lower()) == when for name, raw in case.parameters):
        return True
    flags = [(name, value) for name, raw in case.parameters if is_test_name(name) and (value := visible(raw).lower())]
    if not flags:
        return False
    own = case.mapping.folded_names
    flags = [(name, value) for name, value in flags if name.strip().lower() not in own]
    # All of them, before any of them counts: each wrong one is reported.
    said = [_flag(case, name, value) for name, value in flags]
    return any(said)


def _flag(case: Case, name: str, value: str) -> bool:
    if value not in _YES and value not in _NO:
        shown = f"{clean(name, 60)}={clean(value, 60)}"
        reason = Reason.UNRESOLVED_MACRO if unfilled(value) else Reason.BAD_TEST_FLAG
        case.report(reason, clean(name, 60), f"{shown} is neither yes nor no: is the event a test?", value)
        return True
    return value in (_NO if is_live_name(name) else _YES)


def _has_test_link(case: Case) -> bool:
    return case.origin.named_link is not None and case.origin.named_link.is_test
