"""What a refused sender reads: each problem with its remedy and a page that explains the reason."""

from typing import Any

from django.conf import settings

from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from records.translation import in_english

HELP = "/help/reasons/{code}/"


def help_url(code: str) -> str:
    """The public page about a reason."""
    return f"{settings.PUBLIC_URL}{HELP.format(code=code)}"


def problem(reason: Reason, message: str, *, field: str = "", value: str = "") -> dict[str, str]:
    """A problem as senders read it."""
    remedy = in_english(EXPLANATIONS[reason].remedy)
    found = {"code": reason.value, "field": field, "value": value, "message": message, "remedy": remedy}
    return {**found, "help": help_url(reason.value)}


def refusal(reason: Reason, message: str, *, outcome: str = "invalid", field: str = "") -> dict[str, Any]:
    """The body of an answer to a request that was not decided."""
    problems = [problem(reason, message, field=field)]
    return {"outcome": outcome, "reason": reason.value, "message": message, "problems": problems}


def explained(problems: list[dict[str, str]], *, reason: Reason, message: str, status: int) -> list[dict[str, str]]:
    """The problems of a decision with their pages; a refusal without problems has its reason as the only one."""
    if not problems and status >= 400:
        return [problem(reason, message)]
    return [{**each, "help": help_url(each["code"])} for each in problems]
