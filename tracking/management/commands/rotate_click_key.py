"""`manage.py rotate_click_key`: print a value of CLICK_ID_KEYS with a fresh key. It changes nothing by itself."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from tracking.click_id.keys import CannotRotate, fingerprint, listed, promoted, with_new_key

EXAMPLES = """\
examples:
  manage.py rotate_click_key                one web process: a fresh key in front, which signs from the restart on
  manage.py rotate_click_key --behind       several: a fresh key at the end, which verifies everywhere at first
  manage.py rotate_click_key --promote 3    and then key 3 in front, which signs
  manage.py rotate_click_key --check        the keys in force, to compare between servers; no secret is shown

The value goes to standard output, what to do with it to standard error. See docs/click-id.md.
"""
IN_FRONT = """\
Put this value in place of CLICK_ID_KEYS in the environment or .env of every server, and restart web, worker and
beat. From then on key {number} signs new click IDs; all keys verify. While servers restart one after the other, an
ID that is signed by a new process is not known to an old one: with several, use --behind and then --promote {number}.
"""
BEHIND = """\
Put this value in place of CLICK_ID_KEYS on every server and restart web, worker and beat: key {number} then
verifies everywhere and signs nothing. After that run: manage.py rotate_click_key --promote {number}
"""
PROMOTED = """\
Put this value in place of CLICK_ID_KEYS on every server that knows key {number} already, and restart web, worker
and beat. From then on key {number} signs new click IDs.
"""
KEEP = "Never remove a key whose clicks may still convert: without it their click IDs count as forged.\n"
DEFAULT_NOTE = (
    "The value now holds SECRET_KEY as the secret of key 0, which has signed so far: keep it there even when "
    "SECRET_KEY changes.\n"
)


class Command(BaseCommand):
    help = "Print a value for CLICK_ID_KEYS with a fresh random key, and what to do with it. Nothing is changed."
    # This command is the way to fix a value that the checks refuse.
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.epilog, parser.formatter_class = EXAMPLES, RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--behind", action="store_true", help="put the fresh key at the end: it verifies only")
        what.add_argument("--promote", type=int, metavar="NUMBER", help="no fresh key: put this one in front")
        what.add_argument("--check", action="store_true", help="no fresh key: list the keys in force")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["check"]:
                self._check()
            elif options["promote"] is not None:
                self._report(options["promote"], promoted(options["promote"]), PROMOTED)
            else:
                number, value = with_new_key(in_front=not options["behind"])
                self._report(number, value, BEHIND if options["behind"] else IN_FRONT)
        except ImproperlyConfigured as error:
            raise CommandError(f"{error} Fix the value in force first: its keys have signed click IDs.") from error
        except CannotRotate as error:
            raise CommandError(str(error)) from error

    def _report(self, number: int, value: str, what_to_do: str) -> None:
        if "'" in value or not value.isprintable():
            raise CommandError("A secret holds a quote or a control character: write the new value by hand.")
        self.stdout.write(f"CLICK_ID_KEYS='{value}'")
        instructions = what_to_do.format(number=number) + KEEP
        self.stderr.write(
            instructions + (DEFAULT_NOTE if listed().get(0) == settings.SECRET_KEY else ""), self.style.NOTICE
        )

    def _check(self) -> None:
        keys = listed()
        if not keys:
            raise CommandError("CLICK_ID_KEYS is empty: no click can be signed. Leave it unset, or run this again.")
        for place, (number, secret) in enumerate(keys.items()):
            does = "signs and verifies" if place == 0 else "verifies"
            source = ", made from SECRET_KEY" if secret == settings.SECRET_KEY else ""
            self.stdout.write(f"key {number:>3}  {fingerprint(secret)}  {does}{source}")
