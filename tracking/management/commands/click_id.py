"""`manage.py click_id`: the content of a click ID, whether it is genuine, and whether its click is stored."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.utils import timezone

from tracking.click_id import codec
from tracking.click_id.reading import ClickIDReading, read
from tracking.models import Click, TrackingLink
from tracking.retention.expiry import rows_cutoff

EXAMPLES = """\
examples:
  manage.py click_id 06dndml80000001a04106105vs3n2fko3v5uld8f
  manage.py click_id --new --link ana-casino
  manage.py click_id --new --link ana-casino --at 2026-11-01T12:00:00Z

Exit code 1 when one is not genuine. A new ID is signed like that of a real click, and a postback that carries it
is attributed to the link; no click is stored. docs/click-id.md explains the format.
"""


class Command(BaseCommand):
    help = "Decode click IDs: genuine or not and why, link, affiliate, offer, time, and the stored click."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.epilog, parser.formatter_class = EXAMPLES, RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="click IDs to decode")
        parser.add_argument("--new", action="store_true", help="make one, for tests")
        parser.add_argument("--link", metavar="CODE", help="with --new: the code of the link it belongs to")
        parser.add_argument("--at", metavar="TIME", help="with --new: when it was made (default: now)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"]:
            if options["ids"]:
                raise CommandError("--new makes a click ID, it takes none.")
            self.stdout.write(_new(options["link"], options["at"]))
            return
        if options["link"] or options["at"]:
            raise CommandError("--link and --at go with --new.")
        if not options["ids"]:
            raise CommandError("Give click IDs to decode, or --new --link CODE to make one.")
        readings = [read(text.strip()) for text in options["ids"]]
        for reading in readings:
            self._report(reading)
        if not all(reading.is_genuine for reading in readings):
            sys.exit(1)

    def _report(self, reading: ClickIDReading) -> None:
        self.stdout.write(reading.text)
        verdict = self.style.SUCCESS("genuine") if reading.is_genuine else self.style.ERROR("NOT genuine")
        self._line("verdict", verdict)
        if not reading.is_genuine:
            self._line("why", reading.problem)
        click = reading.click
        if click is None:
            return
        # The values of an ID that is not genuine are only claims.
        prefix = "" if reading.is_genuine else "claims "
        self._line(f"{prefix}key", _key(reading))
        self._line(
            f"{prefix}made", f"{reading.made_at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC" if reading.made_at else "never"
        )
        try:
            self._report_stored(reading, click, prefix)
        except OperationalError as error:
            self._line(f"{prefix}link", f"number {click.link_number}")
            self._line("click", f"unknown, PostgreSQL does not answer: {error}")

    def _report_stored(self, reading: ClickIDReading, click: codec.ClickID, prefix: str) -> None:
        link = (
            TrackingLink.objects.select_related("enrollment__affiliate", "enrollment__offer")
            .filter(pk=click.link_number)
            .first()
        )
        if link is None:
            self._line(f"{prefix}link", f"number {click.link_number}, which no link has")
        else:
            self._line(f"{prefix}link", f"{link.code} (number {link.pk})")
            self._line(f"{prefix}affiliate", f"{link.enrollment.affiliate} ({link.enrollment.affiliate.public_id})")
            self._line(f"{prefix}offer", f"{link.enrollment.offer} ({link.enrollment.offer.public_id})")
        if reading.is_genuine:
            self._line("click", _stored(click))

    def _line(self, name: str, value: str) -> None:
        self.stdout.write(f"  {name:<17}{value}")


def _key(reading: ClickIDReading) -> str:
    if not reading.is_genuine:
        return str(reading.key_number)
    signs = next(iter(codec.keys()))
    return f"{reading.key_number}" + ("" if reading.key_number == signs else f" (new ones are signed by {signs})")


def _stored(click: codec.ClickID) -> str:
    row = Click.objects.filter(pk=click.uuid).first()
    if row is None:
        before = rows_cutoff(timezone.now())
        if before and click.made_at < before:
            return "dropped: older than CLICK_ROW_MONTHS"
        return "not stored: it waits in a spool, was refused, or was made without a visit (--new)"
    marks = "marks not yet complete" if row.marked_at is None else _marks(row)
    personal = "there" if row.ip or row.user_agent or row.referrer or row.visitor else "cleared"
    return f"stored; {marks}; personal fields {personal}"


def _marks(row: Click) -> str:
    marks = [name for name, holds in (("bot", row.is_bot), ("duplicate", row.is_duplicate)) if holds]
    return "marked as " + " and ".join(marks) if marks else "no marks"


def _new(code: str | None, at: str | None) -> str:
    if not code:
        raise CommandError("Say which link it belongs to: --link CODE.")
    link = TrackingLink.objects.filter(code=code.lower()).first()
    if link is None:
        raise CommandError(f"There is no link {code!r}. The operator panel lists them under Tracking links.")
    try:
        moment = datetime.fromisoformat(at) if at else None
    except ValueError as error:
        raise CommandError(f"{at!r} is not a time. Write 2026-11-20T14:30:00Z.") from error
    if moment and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment and moment.year < 1970:
        raise CommandError("A click ID counts from 1970 on.")
    made = codec.new(link_number=link.pk, at=moment)
    return made.text
