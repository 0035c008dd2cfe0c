"""Write the page that says what each role may do, from the table in the code."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from affiliates.roles.page import roles_page

PAGE = Path(settings.BASE_DIR) / "docs" / "roles.md"


class Command(BaseCommand):
    help = "Write docs/roles.md: what each role of operators and of affiliates' members may do."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing; fail when the page is out of date.")

    def handle(self, *args: Any, **options: Any) -> None:
        text = roles_page()
        if options["check"]:
            if not PAGE.exists() or PAGE.read_text() != text:
                raise CommandError(f"{PAGE.name} is out of date. Run: python manage.py roles")
            self.stdout.write(f"{PAGE.name} is up to date.")
            return
        PAGE.write_text(text)
        self.stdout.write(f"Wrote {PAGE}.")
