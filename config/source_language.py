"""English without catalogues: the texts in the code are what English readers see, so there is nothing to look up.

Django would ask a catalogue of each package, all of them empty, for every text of a page.
"""

from gettext import NullTranslations

from django.conf import settings
from django.utils.translation import trans_real


class SourceLanguage(NullTranslations):
    """Answers each text with itself, as Django's translations of a language are asked."""

    def language(self) -> str:
        return settings.LANGUAGE_CODE

    to_language = language


def skip_empty_catalogues() -> None:
    """Put it in the place of Django's own for the source language; other languages fall back to it."""
    trans_real._translations[settings.LANGUAGE_CODE] = SourceLanguage()  # type: ignore[attr-defined]
