"""`manage.py simulate`: live traffic against a running server, every answer checked."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dashboard.demo.live.behaviour import Program
from dashboard.demo.live.sending import Sender, is_loopback
from dashboard.demo.live.simulation import Simulation, SimulationResult
from records.progress import ShownProgress

FACTS = Path(settings.BASE_DIR) / ".data" / "demo.json"

PROBLEMS_SHOWN = 20
WORDS = {"302": "redirected", "404": "unknown links", "410": "gone", "503": "asked to try again"}

EXAMPLES = """\
examples:
  manage.py simulate                                  30 seconds against the demo that runs in this folder
  manage.py simulate --rate 200 --duration 60 --concurrency 32
  manage.py simulate --conversions 1 --seed 7         every visitor converts; other visitors than usual
  manage.py seed_demo --facts > facts.json
  manage.py simulate --facts facts.json --base-url http://127.0.0.1:8000

Exit code 0 only if every answer was as expected.
"""


def positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e6:
        raise ArgumentTypeError(f"{text} is not a number above 0")
    return number


def share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:
        raise ArgumentTypeError(f"{text} is not a share from 0 to 1")
    return number


class Command(BaseCommand):
    help = (
        "Send clicks, and some seconds later the postbacks that follow from them, over HTTP to a\n"
        "running server: registrations, deposits, purchases, repeats, reversals and errors. Stops by\n"
        "itself. The facts (links and tokens) come from .data/demo.json. Only to this machine, unless\n"
        "--allow-remote is given."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.epilog, parser.formatter_class = EXAMPLES, RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", metavar="URL", help="the server (default: the one named in the facts)")
        parser.add_argument("--facts", type=Path, default=FACTS, metavar="FILE", help="default: .data/demo.json")
        parser.add_argument("--rate", type=positive, default=10, metavar="N", help="clicks a second (default: 10)")
        parser.add_argument("--duration", type=positive, default=30, metavar="S", help="seconds (default: 30)")
        parser.add_argument("--concurrency", type=int, default=8, metavar="N", help="connections (default: 8)")
        parser.add_argument(
            "--conversions", type=share, default=0.3, metavar="X", help="share of visitors who convert (default: 0.3)"
        )
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="other visitors (default: 1)")
        parser.add_argument("--allow-remote", action="store_true", help="send to another machine than this one")

    def handle(self, *args: Any, **options: Any) -> None:
        facts = _read(options["facts"])
        base_url = _address(options["base_url"] or facts.get("base_url"), allow_remote=options["allow_remote"])
        if not 1 <= options["concurrency"] <= 500:
            raise CommandError("Give a --concurrency from 1 to 500.")
        self.stdout.write(
            f"Sending {options['rate']:g} clicks a second to {base_url} for {options['duration']:g} s, "
            f"over {options['concurrency']} connections."
        )
        with ShownProgress(output=self.stdout, names={"clicks": "Clicks sent"}, silence=0) as progress:
            outcome = Simulation(
                _program(facts, options["facts"]),
                Sender(base_url),
                rate=options["rate"],
                duration=options["duration"],
                seed=options["seed"],
                converting=options["conversions"],
                on_progress=lambda done, total: progress("clicks", done, total),
            ).run(threads=options["concurrency"])
        self._report(outcome)
        if outcome.problems:
            sys.exit(1)

    def _report(self, outcome: SimulationResult) -> None:
        for kind, name in (("click", "Clicks"), ("postback", "Postbacks")):
            answers = {result: number for (of, result), number in sorted(outcome.answers.items()) if of == kind}
            by_result = (
                ", ".join(f"{number:,} {WORDS.get(status, status)}" for status, number in answers.items()) or "none"
            )
            half, most = outcome.percentile(kind, 0.5), outcome.percentile(kind, 0.99)
            times = f"half within {half * 1000:.0f} ms, 99 % within {most * 1000:.0f} ms"
            self.stdout.write(f"{name} answered: {sum(answers.values()):,} ({by_result}); {times}.")
        if outcome.behind > 1:
            self.stdout.write(
                f"Requests were sent up to {outcome.behind:.1f} s late: the rate is too high for this run."
            )
        for problem, often in outcome.problems.most_common(PROBLEMS_SHOWN):
            self.stdout.write(self.style.ERROR(f"{often:,} × {problem}"))
        if outcome.problems:
            wrong = outcome.problems.total()
            self.stdout.write(self.style.ERROR(f"{wrong:,} answers were not as expected."))
        else:
            self.stdout.write(self.style.SUCCESS("Every answer was as expected."))


def _read(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text())
    except FileNotFoundError:
        raise CommandError(
            f"There is no {path}. Start the demo with `make demo`, which writes it, or write a file with "
            "`manage.py seed_demo --facts` and name it with --facts, and the server with --base-url."
        ) from None
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(facts, dict):
        raise CommandError(f"{path} holds no JSON object; `manage.py seed_demo --facts` prints one.")
    return facts


def _program(facts: dict[str, Any], path: Path) -> Program:
    try:
        return Program.read(facts)
    except (KeyError, TypeError, ValueError) as error:
        raise CommandError(f"{path} does not hold the facts that are needed ({error}). Create it again.") from error


def _address(url: str | None, *, allow_remote: bool) -> str:
    if not url:
        raise CommandError("The facts name no server. Give it with --base-url http://127.0.0.1:8000.")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise CommandError(f"{url} is not an address such as http://127.0.0.1:8000.")
    if not (allow_remote or is_loopback(url)):
        raise CommandError(
            f"{url} is another machine. Simulated traffic counts there like real traffic: "
            "give --allow-remote if that is what you want."
        )
    return url.rstrip("/")
