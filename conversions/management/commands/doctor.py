"""`manage.py doctor`: the errors of a postback, and the decision that it would get."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from affiliates.models import Advertiser
from conversions.doctor import Diagnosis, NotReadable, diagnose, read
from conversions.doctor.dry_run import DryRun


class Command(BaseCommand):
    help = (
        "Check a postback: an address, or the curl command that sends it, in quotation marks. Shows whose "
        "format it is in, what to fix, the corrected address, and what would be decided. Nothing is stored. "
        "Exit code 0 if it would be accepted as it is, 1 if there is something to fix."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("request", help="the address or curl command")
        parser.add_argument(
            "--advertiser", metavar="ID", help="decide it as this advertiser's (ad_…), whatever its token"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        advertiser = None
        if options["advertiser"]:
            advertiser = Advertiser.objects.filter(public_id=options["advertiser"]).first()
            if advertiser is None:
                raise CommandError(f"There is no advertiser {options['advertiser']}.")
        try:
            found = diagnose(read(options["request"]), now=timezone.now(), advertiser=advertiser)
        except NotReadable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(found.as_json(), indent=2) if options["json"] else self._words(found))
        if found.problems:
            raise SystemExit(1)

    def _words(self, found: Diagnosis) -> str:
        lines = [f"Form: {found.spoken}, known by {found.known_by}."]
        lines.append(f"Advertiser: {found.advertiser or 'unknown'}{' (on trust)' if found.on_trust else ''}.")
        lines += [f"To fix: {problem.field}: {problem.message} {problem.remedy}".rstrip() for problem in found.problems]
        if found.corrected:
            lines += ["Corrected:", f"  {found.corrected}"]
        if found.run:
            lines += [_decision("Decision", found.run), *(_step(step) for step in found.run.steps)]
        if found.corrected_run:
            lines.append(_decision("Decision when corrected", found.corrected_run))
        return "\n".join(lines)


def _decision(title: str, run: DryRun) -> str:
    body = run.decision.body
    return f"{title}: HTTP {run.decision.http_status} {body['outcome']} {body['reason']}: {body['message']}"


def _step(step: dict[str, Any]) -> str:
    return f"  {step['step']:<12} {step['result']:<10} {step['note']}"
