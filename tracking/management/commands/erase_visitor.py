"""`manage.py erase_visitor`: clear the stored data of one visitor, on that person's request."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from records.progress import ShownProgress
from records.words import counted
from tracking.capture.click_writer import drain
from tracking.capture.connection import connect
from tracking.capture.spool import state
from tracking.click_id import codec
from tracking.models import Click
from tracking.retention.erasure import CannotErase, Erased, Network, Whose, check_files, check_marks, erase, find

log = structlog.get_logger(__name__)

EXAMPLES = """\
examples:
  manage.py erase_visitor --visitor 9f6c1d4e0a5b4c7d8e9fa0b1c2d3e4f5         show what is stored of this cookie
  manage.py erase_visitor --visitor 9f6c1d4e0a5b4c7d8e9fa0b1c2d3e4f5 --yes   and clear it
  manage.py erase_visitor --ip 203.0.113.9 --from 2026-11-01 --to 2026-11-03
  manage.py erase_visitor --click 06dndml80000001a04106105vs3n2fko3v5uld8f

The visitor finds the cookie under the name aff_visitor at the host of your links. An address belongs to
another person's tomorrow: give the days in which it was the visitor's. Clicks stay, without IP address, user
agent, referrer and visitor cookie. See docs/personal-data.md for what is stored elsewhere.
"""


class Command(BaseCommand):
    help = (
        "Clear the personal fields of one visitor's clicks. Without --yes it only shows what it would clear. Drains "
        "the spool of this machine first; if other web servers have their own spools, run `manage.py spool` on each."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.epilog, parser.formatter_class = EXAMPLES, RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--visitor", metavar="COOKIE", help="all clicks with this visitor cookie")
        whose.add_argument(
            "--ip", metavar="ADDRESS", help="all clicks from this address, or network: 2001:db8:1:2::/64"
        )
        whose.add_argument("--click", metavar="ID", help="this click alone")
        parser.add_argument("--from", dest="since", metavar="TIME", help="clicks from this day or moment on (UTC)")
        parser.add_argument("--to", dest="until", metavar="TIME", help="to the end of this day, or before this moment")
        parser.add_argument("--note", default="", help="goes into the log, for example the request's number")
        parser.add_argument("--yes", action="store_true", help="do it")

    def handle(self, *args: Any, **options: Any) -> None:
        whose = _whose(options)
        try:
            if options["yes"]:
                self._erase(whose, options)
            else:
                self._report(whose)
        except OperationalError as error:
            raise CommandError(f"PostgreSQL does not answer: {error} Fields cleared by then stay cleared.") from error

    def _report(self, whose: Whose) -> None:
        with ShownProgress() as progress:
            clicks = self._show(list(find(whose, progress=progress)))
        if not clicks:
            self.stdout.write(_nothing(whose))
        waiting = state(settings.SPOOL_DIR)
        if waiting.segments or waiting.quarantined:
            self.stdout.write("Clicks also lie in files of the spool: see `manage.py spool`. With --yes it is drained.")
        cookie = Click.objects.filter(pk=whose.click).values_list("visitor", flat=True).first() if whose.click else None
        if cookie:
            self.stdout.write(f"All clicks of the same visitor: manage.py erase_visitor --visitor {cookie.hex}")
        if clicks:
            self.stdout.write("Nothing was changed. Run it again with --yes to clear these fields for good.")

    def _erase(self, whose: Whose, options: dict[str, Any]) -> None:
        try:
            drain(settings.SPOOL_DIR, connect)
            check_files(whose, settings.SPOOL_DIR)
            check_marks(whose)
        except (psycopg.Error, OSError) as error:
            raise CommandError(f"The spool in {settings.SPOOL_DIR} could not be drained: {error}") from error
        except CannotErase as error:
            raise CommandError(f"Nothing was cleared. {error}") from error
        with ShownProgress() as progress:
            clicks = self._show(list(erase(whose, progress=progress)))
        # The log must not name the visitor again.
        kind = "visitor" if whose.visitor else "ip" if whose.network else "click"
        log.warning(
            "visitor_erased",
            by=kind,
            since=options["since"],
            until=options["until"],
            clicks=clicks,
            note=options["note"],
        )
        self.stdout.write(self.style.SUCCESS(f"Cleared {counted(clicks, 'click')}.") if clicks else _nothing(whose))

    def _show(self, found: list[Erased]) -> int:
        for each in found:
            fields = ", ".join(f"{name} {count:,}" for name, count in each.fields.items() if count)
            times = f"{each.first:%Y-%m-%d %H:%M} to {each.last:%Y-%m-%d %H:%M} UTC"
            self.stdout.write(f"{each.partition}: {counted(each.clicks, 'click')}, {times}: {fields}")
        return sum(each.clicks for each in found)


def _nothing(whose: Whose) -> str:
    message = "No stored click holds personal fields of this visitor: there is nothing to clear."
    if whose.network and settings.CLICK_IP_TRUNCATE:
        message += " Addresses are stored as networks only (CLICK_IP_TRUNCATE): ask for the cookie or a click ID."
    return message


def _whose(options: dict[str, Any]) -> Whose:
    since, until = _moment(options["since"], timedelta(0)), _moment(options["until"], timedelta(days=1))
    if since and until and since >= until:
        raise CommandError("--from is not before --to: no click could be meant.")
    return Whose(
        visitor=_cookie(options["visitor"]) if options["visitor"] is not None else None,
        network=_network(options["ip"]) if options["ip"] is not None else None,
        click=_click(options["click"]) if options["click"] is not None else None,
        since=since,
        until=until,
    )


def _cookie(text: str) -> UUID:
    try:
        return UUID(text.strip())
    except ValueError as error:
        raise CommandError(f"{text!r} is not a visitor cookie: it has 32 digits and letters from a to f.") from error


def _network(text: str) -> Network:
    try:
        return ip_network(text.strip())
    except ValueError as error:
        raise CommandError(f"{text!r} is neither an address nor a network: {error}.") from error


def _click(text: str) -> UUID:
    found = codec.parse(text.strip())
    if found:
        return found.uuid
    try:
        return UUID(text.strip())
    except ValueError as error:
        raise CommandError(f"{text!r} is not a genuine click ID; `manage.py click_id` says why.") from error


def _moment(text: str | None, whole_day: timedelta) -> datetime | None:
    """A moment as it is, a day as its start, or with `whole_day` as its end."""
    if text is None:
        return None
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC) + whole_day
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a time. Write 2026-11-20 or 2026-11-20T14:30:00Z.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
