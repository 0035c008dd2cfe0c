"""`manage.py verify_ledger`: re-derive every chain, sum and price, and say what does not fit."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from affiliates.models import Affiliate
from payouts.chain_walk import Finding
from payouts.verification import Verification


class Command(BaseCommand):
    help = (
        "Check the ledger: re-derive the seals of every affiliate's chain, add up statements and payouts again, and "
        "price every booked conversion again. Exit code 0 when all is well, 1 when something does not fit."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--affiliate", metavar="ID", help="check one affiliate only, by its public ID: af_k3n8d2xw")

    def handle(self, *args: Any, **options: Any) -> None:
        shown = ShownProgress()
        run = Verification(affiliate=_affiliate(options["affiliate"]), progress=shown.step)
        faults = 0
        with shown.bars:
            for finding in run.findings():
                faults += 1
                self._tell(finding, shown)
        self.stdout.write(
            f"Checked {run.entries:,} entries, {run.statements:,} statements and {run.conversions:,} conversions; "
            f"{run.due:,} conversions are due for booking and were not compared."
        )
        if faults:
            self.stdout.write(self.style.ERROR(f"Findings: {faults:,}. The ledger is not as it was booked."))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("All is well."))

    def _tell(self, finding: Finding, shown: "ShownProgress") -> None:
        shown.bars.stop()
        self.stdout.write(f"{finding.subject}: {finding.fault}")
        shown.bars.start()


class ShownProgress:
    """Bars on a terminal, else a line for every tenth of a stage; on standard error, so that findings can be piped."""

    def __init__(self) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self.console = Console(stderr=True)
        self.bars = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.tasks: dict[str, TaskID] = {}
        self.tenths: dict[str, int] = {}

    def step(self, stage: str, done: int, total: int) -> None:
        if self.console.is_terminal:
            if stage not in self.tasks:
                self.tasks[stage] = self.bars.add_task(f"Checking {stage}")
            self.bars.update(self.tasks[stage], completed=done, total=total)
            return
        tenth = done * 10 // total if total else 10
        if tenth > self.tenths.get(stage, 0):
            self.tenths[stage] = tenth
            self.console.print(f"Checking {stage}: {done:,} of {total:,}")


def _affiliate(public_id: str | None) -> Affiliate | None:
    if not public_id:
        return None
    affiliate = Affiliate.objects.filter(public_id=public_id).first()
    if affiliate is None:
        raise CommandError(f"There is no affiliate {public_id}; give a public ID such as af_k3n8d2xw.")
    return affiliate
