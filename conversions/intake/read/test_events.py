"""Test events: requests with `test=1` or clicks of a test link. They never mix with real events."""

from conversions.intake.case import Case

PREFIX = "test|"
_YES = frozenset({"1", "true", "yes"})


def set_tests_apart(cases: list[Case]) -> None:
    """Give test events a key of their own, so a real event with the same transaction ID still counts."""
    for case in cases:
        if case.is_open and (_says_test(case) or _has_test_link(case)):
            case.is_test = True
            if case.dedupe_key:
                case.dedupe_key = PREFIX + case.dedupe_key


def _says_test(case: Case) -> bool:
    return any(name.strip().lower() == "test" and value.strip().lower() in _YES for name, value in case.parameters)


def _has_test_link(case: Case) -> bool:
    return case.origin.named_link is not None and case.origin.named_link.is_test
