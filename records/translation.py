"""Texts that people read are marked for translation: `gettext_lazy as _` where they are declared,
`gettext` in functions (docs/translating.md).
"""

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import get_language, ngettext_lazy, override

if TYPE_CHECKING:

    def gettext_lazy(message: str) -> str:
        """A text that is translated when it is shown. For the type checker it is a `str`: it is used as one."""

    def format_lazy(message: str, /, **values: object) -> str:
        """The same for a text with values: `{name}` in the text is replaced when it is shown."""

else:
    from django.utils.text import format_lazy
    from django.utils.translation import gettext_lazy

__all__ = ["format_lazy", "gettext_lazy", "in_english", "ngettext_lazy"]


def in_english(text: object) -> str:
    """The text in English, whatever language the reader has: for what is stored, and for answers to machines."""
    if get_language() == settings.LANGUAGE_CODE:
        return str(text)
    with override(settings.LANGUAGE_CODE):
        return str(text)
