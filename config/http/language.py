"""The language of pages: what the reader chose, else what the browser asks for, of those in LANGUAGES."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

# Answers to machines are English, whatever language the sender's client names.
MACHINES = "/api/"


class PageLanguageMiddleware(LocaleMiddleware):
    """While there is one language only, answers are as without this; it is named, because that makes look-ups cheap."""

    def process_request(self, request: HttpRequest) -> None:
        if len(settings.LANGUAGES) > 1 and not request.path_info.startswith(MACHINES):
            super().process_request(request)
        else:
            translation.activate(settings.LANGUAGE_CODE)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        return super().process_response(request, response) if len(settings.LANGUAGES) > 1 else response
