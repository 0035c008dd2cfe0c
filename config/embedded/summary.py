"""The demo's summary when it is ready: addresses, logins, and two lines to paste."""

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
    if lines := paste_lines(facts):
        click, click_id, postback = lines
        for title, line in (
            ("A click: answered with a redirect that carries its click ID", click),
            ("Keep a click ID, and report a purchase for it (twice: the second answer is `duplicate`)", click_id),
            ("", postback),
        ):
            if title:
                console.print(f"\n[dim]# {title}[/]", soft_wrap=True)
            console.print(line, soft_wrap=True, markup=False, highlight=False)
    console.print(f"\n[dim]Mails: {logs.parent / 'mail'}[/]", soft_wrap=True)
    console.print(f"[dim]Logs: {logs}   Facts for scripts: .data/demo.json   Stop: Ctrl-C[/]\n", soft_wrap=True)


def _places(facts: Mapping[str, Any]) -> Iterator[str]:
    """Where each person signs in, in columns that a narrow window does not cut."""
    rows = [("Who", "Where", "E-mail", "Password")]
    for login in facts.get("logins", []):
        operator = login["role"] == "operator"
        who = "Operator" if operator else f"Affiliate {login.get('affiliate') or ''}".strip()
        rows.append((who, f"{facts['base_url']}/{'admin/' if operator else ''}", login["email"], login["password"]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        line = escape("   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        yield f"[bold]{line}[/]" if number == 0 else line


def paste_lines(facts: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Shell lines for a click, for keeping its click ID, and for a postback; None when no link has a simple goal."""
    tokens = {advertiser["name"]: advertiser["token"] for advertiser in facts.get("advertisers", [])}
    goals = {(goal["offer"], goal["code"]) for goal in facts.get("goals", [])}
    for code in SIMPLE_GOALS:
        for link in facts.get("links", []):
            if (link["offer"], code) in goals and link["advertiser"] in tokens:
                return _lines(facts["base_url"], link, code, tokens[link["advertiser"]])
    return None


def _lines(base: str, link: Mapping[str, str], goal: str, token: str) -> tuple[str, str, str]:
    url = f"'{base}/c/{link['code']}?sub1=demo'"
    name = click_parameter(link["destination"])
    click = f"curl -si -A '{BROWSER}' {url}"
    keep = f"curl -s -o /dev/null -w '%{{redirect_url}}' -A '{BROWSER}' {url} | sed 's/.*[?&]{name}=//;s/[&#].*//'"
    fields = f"txid=demo-{secrets.token_hex(4)}&event_type={goal}&revenue=100.00&currency=EUR&status=approved"
    return click, f"CLICK=$({keep})", f'curl -si "{base}/postback?click_id=$CLICK&{fields}&token={token}"'


def click_parameter(destination: str) -> str:
    """The name under which the destination receives the click ID."""
    for name, value in parse_qsl(urlsplit(destination).query):
        if value == "{click_id}":
            return name
    return "click_id"
