"""`manage.py verify_ledger`: re-derive every chain, sum and price, and say what does not fit."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from affiliates.models import Affiliate
from payouts.ledger.chain_walk import ChainProblem
from payouts.verification.verify import Verification
from records.progress import ShownProgress
from records.words import counted

STAGES = {"entries": "Checking entries", "conversions": "Checking conversions", "clicks": "Checking clicks"}


class Command(BaseCommand):
    help = (
        "Check the ledger: re-derive the seals of each affiliate's chain and statements, compare them with the anchors "
        "in the database, in ANCHOR_FILE and in other copies, add up statements and payouts again, and price every "
        "booked conversion and every day of paid clicks a second time, by code that shares nothing with the code that "
        "booked them. A difference is shown with both numbers; so is a rule that could not be priced a second time. "
        "Exit code 0 when all is well, 1 when something does not fit."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--affiliate", metavar="ID", help="check one affiliate only, by its public ID: af_k3n8d2xw")
        parser.add_argument(
            "--anchors",
            metavar="FILE",
            type=Path,
            action="append",
            default=[],
            help="a copy of the anchors that was kept elsewhere, such as one downloaded from /anchors/anchors.jsonl; "
            "may be given several times",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        shown = ShownProgress(names=STAGES)
        copies = _copies(options["anchors"])
        run = Verification(affiliate=_affiliate(options["affiliate"]), progress=shown, copies=copies)
        problems = 0
        with shown:
            for finding in run.findings():
                problems += 1
                self._report(finding, shown)
        self.stdout.write(
            f"Checked {run.entries:,} entries, {run.statements:,} statements and {run.conversions:,} conversions; "
            f"{run.due:,} conversions are due for booking and were not compared."
            + (f" Checked the clicks of {run.clicks:,} days of links." if run.clicks else "")
        )
        if run.unsettled:
            accounts = counted(run.unsettled, "account")
            self.stdout.write(f"Not compared in full, as they are being booked: {accounts}. Run it again for them.")
        if problems:
            self.stdout.write(self.style.ERROR(f"Findings: {problems:,}. The ledger is not as it was booked."))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("All is well."))

    def _report(self, finding: ChainProblem, shown: ShownProgress) -> None:
        with shown.paused():
            self.stdout.write(f"{finding.subject}: {finding.problem}")


def _copies(given: list[Path]) -> list[Path]:
    """The copies of the anchors to compare with: those given, and the file that is appended to."""
    for path in given:
        try:
            path.open("rb").close()
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}. Give a file of anchors.") from error
    own = Path(settings.ANCHOR_FILE) if settings.ANCHOR_FILE else None
    return [*given, *([own] if own and own.exists() else [])]


def _affiliate(public_id: str | None) -> Affiliate | None:
    if not public_id:
        return None
    affiliate = Affiliate.objects.filter(public_id=public_id).first()
    if affiliate is None:
        raise CommandError(f"There is no affiliate {public_id}; give a public ID such as af_k3n8d2xw.")
    return affiliate
