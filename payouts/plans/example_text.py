"""Worked examples as one types them: a line for each event, a line for each expected amount.

`before 9 × deposit 80 EUR from DE, sub1=fb, customer A since 2026-01-31, less bonus 200, on 2026-10-03` · `340 clicks`
`event 2, rule 1: 120.00 EUR` · `2026-10, rule 2: 60 EUR to level 1`
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from payouts.plans.examples import ExampleRefused
from payouts.pricing.examples import EVENT, MONTH

NUMBER = r"-?\d+(?:\.\d+)?"
_EVENT_HELP = "write for example: 3 × deposit 80 EUR from DE, customer A, on 2026-10-03"
_LINE_HELP = "write for example: event 1, rule 2: 120.00 EUR"
_HISTORY = re.compile(r"before:?\s+", re.IGNORECASE)
_TIMES = re.compile(r"(\d{1,6})\s*[x×*]\s*")
_WHAT = re.compile(r"(?:(?P<clicks>\d{1,9})\s+clicks?|(?P<goal>[a-z0-9_]+))(?=[\s,]|$)")
_LINE = re.compile(
    rf"(?:event\s+)?(?P<part>\d{{4}}-\d{{2}}|\d{{1,6}})\s*(?:,\s*rule\s+(?P<rule>\d{{1,4}})\s*)?[:=]\s*"
    rf"(?P<amount>{NUMBER})\s*(?P<currency>[A-Za-z]{{3,5}})(?:\s+to\s+level\s+(?P<to>\d{{1,2}}))?",
    re.IGNORECASE,
)


def _take(*names: str) -> Callable[[re.Match[str], dict[str, Any]], None]:
    def put(match: re.Match[str], event: dict[str, Any]) -> None:
        event.update({name: value for name, value in zip(names, match.groups(), strict=False) if value})

    return put


def _sub(match: re.Match[str], event: dict[str, Any]) -> None:
    event.setdefault("subs", {})[match[1].lower()] = match[2]


def _deduction(match: re.Match[str], event: dict[str, Any]) -> None:
    event.setdefault("deductions", {})[match[1].strip()] = match[2]


def _revenue(match: re.Match[str], event: dict[str, Any]) -> None:
    event["revenue"], event["currency"] = match[1], match[2].upper()


# In this order, at the place that the reading has come to.
_PIECES: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str], dict[str, Any]], None]]] = (
    (re.compile(rf"({NUMBER})\s*lots?\b", re.IGNORECASE), _take("volume")),
    (re.compile(rf"(?:of\s+)?({NUMBER})\s*([A-Za-z]{{3,5}})\b"), _revenue),
    (re.compile(r"from\s+([A-Za-z]{2})\b", re.IGNORECASE), _take("country")),
    (re.compile(r"(sub[1-5])\s*=\s*([^\s,]+)", re.IGNORECASE), _sub),
    (re.compile(r"customer\s+([^\s,]+)(?:\s+since\s+([^\s,]+))?", re.IGNORECASE), _take("customer", "customer_since")),
    (re.compile(rf"less\s+([A-Za-z][\w -]*?)\s+({NUMBER})(?=[\s,]|$)", re.IGNORECASE), _deduction),
    (re.compile(r"on\s+([^\s,]+)", re.IGNORECASE), _take("on")),
)


def events_from_text(text: str) -> list[dict[str, Any]]:
    """The events of a text, one from each line that is not empty. Raise `ExampleRefused` naming the line."""
    return [_event(number, line) for number, line in enumerate(_lines(text), 1)]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _event(number: int, line: str) -> dict[str, Any]:
    event: dict[str, Any] = {}
    rest = line
    if match := _HISTORY.match(rest):
        event["history"], rest = True, rest[match.end() :]
    if match := _TIMES.match(rest):
        event["times"], rest = int(match[1]), rest[match.end() :]
    match = _WHAT.match(rest)
    if match is None:
        raise ExampleRefused(f"event {number}: “{line}” does not begin with a goal's code; {_EVENT_HELP}.")
    event.update({"clicks": int(match["clicks"])} if match["clicks"] else {"goal": match["goal"]})
    rest = rest[match.end() :]
    while rest := rest.lstrip(" ,\t"):
        for pattern, put in _PIECES:
            if found := pattern.match(rest):
                put(found, event)
                rest = rest[found.end() :]
                break
        else:
            raise ExampleRefused(f"event {number}: “{rest}” is not understood; {_EVENT_HELP}.")
    return event


def text_of_events(events: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(_event_text(event) for event in events)


def _event_text(event: Mapping[str, Any]) -> str:
    said = "before " if event.get("history") else ""
    said += f"{event['times']} × " if event.get("times", 1) != 1 else ""
    said += f"{event['clicks']} clicks" if event.get("clicks") else str(event.get("goal", ""))
    said += f" {event['revenue']} {event.get('currency', '')}" if event.get("revenue") else ""
    pieces = [f"{event['volume']} lots"] if event.get("volume") else []
    pieces += [f"from {event['country']}"] if event.get("country") else []
    pieces += [f"{name}={value}" for name, value in (event.get("subs") or {}).items()]
    if event.get("customer"):
        since = f" since {event['customer_since']}" if event.get("customer_since") else ""
        pieces.append(f"customer {event['customer']}{since}")
    pieces += [f"less {name} {amount}" for name, amount in (event.get("deductions") or {}).items()]
    pieces += [f"on {event['on']}"] if event.get("on") else []
    return ", ".join([said, *pieces])


def expected_from_text(text: str, by: str) -> list[dict[str, Any]]:
    """The expected lines of a text. Raise `ExampleRefused` naming the line."""
    found = []
    for number, line in enumerate(_lines(text), 1):
        match = _LINE.fullmatch(line)
        if match is None or (by == MONTH) != ("-" in match["part"]):
            what = "write for example: 2026-10, rule 1: 60.00 EUR" if by == MONTH else _LINE_HELP
            raise ExampleRefused(f"expected line {number}: “{line}” is not understood; {what}.")
        part = {MONTH: match["part"]} if by == MONTH else {EVENT: int(match["part"])}
        amount = {"amount": match["amount"], "currency": match["currency"].upper()}
        found.append({**part, "rule": int(match["rule"] or 1), "to": int(match["to"] or 0), **amount})
    return found


def text_of_expected(lines: Sequence[Mapping[str, Any]]) -> str:
    said = []
    for line in lines:
        part = str(line[MONTH]) if MONTH in line else f"event {line.get(EVENT, 1)}"
        level = f" to level {line['to']}" if line.get("to") else ""
        said.append(f"{part}, rule {line.get('rule', 1)}: {line['amount']} {line['currency']}{level}")
    return "\n".join(said)
