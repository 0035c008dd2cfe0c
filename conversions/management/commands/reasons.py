"""Write the page that explains every reason code, from the list in the code."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from conversions.reasons.page import reason_page

PAGE = Path(settings.BASE_DIR) / "docs" / "reasons.md"


class Command(BaseCommand):
    help = "Write docs/reasons.md: cause, remedy, HTTP status and retry of every reason code."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing; fail when the page is out of date.")

    def handle(self, *args: Any, **options: Any) -> None:
        text = reason_page()
        if options["check"]:
            if not PAGE.exists() or PAGE.read_text() != text:
                raise CommandError(f"{PAGE.name} is out of date. Run: python manage.py reasons")
            self.stdout.write(f"{PAGE.name} is up to date.")
            return
        PAGE.write_text(text)
        self.stdout.write(f"Wrote {PAGE}.")
