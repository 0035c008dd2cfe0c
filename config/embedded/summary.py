"""The demo's summary when it is ready: addresses, logins, where mail goes, and a tour of five commands to paste."""

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from rich.console import Console
from rich.markup import escape

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# Goals that need no earlier event of the same customer.
SIMPLE_GOALS = ("purchase", "sale", "challenge_purchase", "challenge", "registration")


def show(console: Console, facts: Mapping[str, Any], logs: Path) -> None:
    """Print the summary. Lines meant to be pasted are never wrapped."""
    base = facts["base_url"]
    console.print(f"\n[bold green]Affidavit is ready:[/] [bold]{base}/[/]\n")
    for line in _places(facts):
        console.print(line, soft_wrap=True)
    for number, (title, line) in enumerate(tour(facts), start=1):
        console.print(f"\n[dim]# {number}. {title}[/]", soft_wrap=True)
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    console.print(f"\n[dim]Mail is not sent: each is a file in {_mail(logs)}[/]", soft_wrap=True)
    console.print(f"[dim]Logs: {logs}   Facts for scripts: .data/demo.json   Stop: Ctrl-C[/]\n", soft_wrap=True)


def _mail(logs: Path) -> Path:
    return logs.parent / "mail"


def _places(facts: Mapping[str, Any]) -> Iterator[str]:
    """Where each person signs in, in columns that a narrow window does not cut."""
    rows = [("Who", "Where", "E-mail", "Password")]
    for login in facts.get("logins", []):
        operator = login["role"] == "operator"
        who = "Operator" if operator else f"Affiliate {login.get('affiliate') or ''}".strip()
        who += f" ({login['note']})" if login.get("note") else ""
        rows.append((who, f"{facts['base_url']}/{'admin/' if operator else ''}", login["email"], login["password"]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        line = escape("   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        yield f"[bold]{line}[/]" if number == 0 else line


def tour(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A click, its sale, the sale sent twice, a refund and a wrong token: what each shows, and its shell command.

    Empty when no link has a goal that needs no earlier event.
    """
    tokens = {advertiser["name"]: advertiser["token"] for advertiser in facts.get("advertisers", [])}
    goals = {(goal["offer"], goal["code"]) for goal in facts.get("goals", [])}
    for code in SIMPLE_GOALS:
        for link in facts.get("links", []):
            if (link["offer"], code) in goals and link["advertiser"] in tokens:
                return _tour(facts["base_url"], link, code, tokens[link["advertiser"]])
    return []


def _tour(base: str, link: Mapping[str, str], goal: str, token: str) -> list[tuple[str, str]]:
    name, event = click_parameter(link["destination"]), f"txid=demo-{secrets.token_hex(4)}&event_type={goal}"
    click = f"curl -s -o /dev/null -w '%{{redirect_url}}' -A '{BROWSER}' '{base}/c/{link['code']}?sub1=demo'"
    sale, refund = f"{event}&revenue=100.00&currency=EUR&status=approved", f"{event}&refund=40.00&currency=EUR"

    def postback(fields: str, token: str = token) -> str:
        return f'curl -s "{base}/postback?click_id=$CLICK&{fields}&token={token}"; echo'

    return [
        (
            "Follow a link as a browser does, and keep the click ID that the redirect carries",
            f"CLICK=$({click} | sed 's/.*[?&]{name}=//;s/[&#].*//'); echo $CLICK",
        ),
        ("Report a sale for it: `accepted`; its commission is in the ledger within two seconds", postback(sale)),
        ("Send it again: `duplicate`, with the same conversion", postback(sale)),
        ("Refund a part of it: `updated`; the commission shrinks with it", postback(refund)),
        ("Use a wrong token: `unauthorized`, with what to do about it", postback(sale, "wrong")),
    ]


def click_parameter(destination: str) -> str:
    """The name under which the destination receives the click ID."""
    for name, value in parse_qsl(urlsplit(destination).query):
        if value == "{click_id}":
            return name
    return "click_id"
