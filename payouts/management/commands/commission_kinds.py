"""Write the table of commission kinds into the page that explains them, from the kinds themselves."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from payouts.pricing.rule_words import with_table_of_kinds

PAGE = Path(settings.BASE_DIR) / "docs" / "commission.md"


class Command(BaseCommand):
    help = "Write the table of docs/commission.md: what each kind of commission earns, with an example."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing; fail when the table is out of date.")

    def handle(self, *args: Any, **options: Any) -> None:
        before = PAGE.read_text()
        text = with_table_of_kinds(before)
        if options["check"]:
            if before != text:
                raise CommandError(f"{PAGE.name} is out of date. Run: python manage.py commission_kinds")
            self.stdout.write(f"{PAGE.name} is up to date.")
            return
        PAGE.write_text(text)
        self.stdout.write(f"Wrote {PAGE}.")
