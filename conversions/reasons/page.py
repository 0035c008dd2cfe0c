"""The reason codes as a page of the documentation."""

from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS

_HEAD = """# Reason codes

Every postback and every conversion has one of these reasons; the list is closed. This page is generated from
`conversions/reasons/explanations.py` by `python manage.py reasons`.

*HTTP* is the status of an answer with this reason. For a code that a conversion gets later, from an operator or by
time, it is the status of a repeated request. *Retry* says whether sending the very same request again can help; it
never does harm.

| code | meaning | HTTP | cause | what to do | retry |
| --- | --- | --- | --- | --- | --- |
"""


def reason_page() -> str:
    """The page's Markdown, a row for each reason in the order of the list."""
    return _HEAD + "".join(_row(reason) for reason in Reason)


def _row(reason: Reason) -> str:
    said = EXPLANATIONS[reason]
    retry = "yes" if said.retry else "no"
    return f"| `{reason.value}` | {reason.label} | {said.http_status} | {said.cause} | {said.remedy} | {retry} |\n"
