"""Write the page that describes every dialect, from the table in the code."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from conversions.dialects.page import dialect_page

PAGE = Path(settings.BASE_DIR) / "docs" / "dialects.md"


class Command(BaseCommand):
    help = "Write docs/dialects.md: addresses, parameters, words and a sample of every platform that is understood."

    def handle(self, *args: Any, **options: Any) -> None:
        PAGE.write_text(dialect_page())
        self.stdout.write(f"Wrote {PAGE}.")
