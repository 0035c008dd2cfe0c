"""Write the page that describes every source, from the files in the code."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from conversions.sources.page import source_page

PAGE = Path(settings.BASE_DIR) / "docs" / "sources.md"


class Command(BaseCommand):
    help = "Write docs/sources.md: events, signature, fields and set-up of every shop, billing system and file."

    def handle(self, *args: Any, **options: Any) -> None:
        PAGE.write_text(source_page())
        self.stdout.write(f"Wrote {PAGE}.")
