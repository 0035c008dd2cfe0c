"""Compression of pages, for installations without a proxy that compresses.

A listener who can read the length of an encrypted answer, and put text of their own into the page, could guess a secret
of that page from how well it compresses (BREACH). So Django's middleware adds up to a hundred random bytes, forms have
a token that is masked anew each time, and pages that show secrets are sent as they are: `no-transform` asks proxies not
to compress them either (deploy/Caddyfile, deploy/nginx.conf).
"""

import re

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_cache_control

# Sign-in and second factors; tokens and HMAC secrets of advertisers; API keys.
WITH_SECRETS = re.compile(r"/accounts/|/admin/affiliates/(advertiser/.+/secrets|apikey)/|/settings/api-keys/")


class PageCompression(GZipMiddleware):
    """Compress pages. Answers in pieces (exports) stay as they are: they leave as the client takes them."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if WITH_SECRETS.match(request.path_info):
            patch_cache_control(response, no_transform=True)
            return response
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if not is_page or not isinstance(response, HttpResponse):
            return response
        return super().process_response(request, response)
