"""`manage.py seed_demo`: make the demo data, once, and show how to sign in."""

import json
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dashboard.demo.facts import check_key, facts
from dashboard.demo.seeding import SEED, SeedRefused, figures, seed
from records.progress import ShownProgress

EXAMPLES = """\
examples:
  manage.py seed_demo                the whole demo, about 50,000 clicks; a second run changes nothing
  manage.py seed_demo --scale 0.1    a tenth of the visitors, for a quick look
  manage.py seed_demo --facts        links, tokens, sign-ins and keys of the demo as JSON, for scripts

The demo is made in one transaction: a run that is interrupted leaves nothing, and is simply run again.
"""


STAGES = {"clicks": "Clicks written", "days": "Days played"}


class Command(BaseCommand):
    help = (
        "Fill an empty database with a program that looks like a real one: three offers, nine\n"
        "affiliates, and 60 days of clicks, postbacks, conversions, commission, statements and payouts\n"
        "up to now. Refuses a database that holds other data. Passwords, tokens and keys are derived\n"
        "from SECRET_KEY."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.epilog, parser.formatter_class = EXAMPLES, RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--facts", action="store_true", help="print the facts of the demo as one JSON object")
        parser.add_argument("--scale", type=float, default=1.0, metavar="X", help="visitors, as a factor (default: 1)")
        parser.add_argument(
            "--seed",
            type=int,
            default=SEED,
            metavar="N",
            help=f"another number makes another program (default: {SEED})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["facts"]:
                self.stdout.write(json.dumps(facts(), indent=2, ensure_ascii=False))
            else:
                self._seed(number=options["seed"], scale=options["scale"])
        except SeedRefused as error:
            raise CommandError(str(error)) from error

    def _seed(self, *, number: int, scale: float) -> None:
        started = time.monotonic()
        with ShownProgress(output=self.stdout, names=STAGES, silence=0) as progress:
            made = seed(now=timezone.now(), number=number, scale=scale, progress=progress)
        if made:
            text = f"Made the demo data in {time.monotonic() - started:.1f} s: {figures()}."
            self.stdout.write(self.style.SUCCESS(text))
        else:
            check_key()
            self.stdout.write(f"The demo data already exist; nothing was changed: {figures()}.")
