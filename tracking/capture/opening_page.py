"""The page between a link and an app that has only its own scheme: a browser shows an error if the app is missing."""

from html import escape

from web.http import HTML, NO_STORE, Header

# The page runs nothing and loads nothing.
SECURITY: Header = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'")
HEADERS: tuple[Header, ...] = (HTML, NO_STORE, SECURITY, (b"referrer-policy", b"no-referrer"))
_PAGE = """<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>
<title>Open the app</title>
<style>
body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:15vh auto 0;padding:0 1.25rem;
color-scheme:light dark}}
a{{display:block;padding:.8rem 1rem;margin:.75rem 0;border:1px solid;border-radius:.6rem;text-align:center;
color:inherit;text-decoration:none}} a:first-of-type{{font-weight:600}}
</style>
<body><h1>Open the app</h1><p>You can go on in the app, or in the browser.</p>
<a href="{app}">Open the app</a><a href="{page}">Go on in the browser</a>
"""


def opening_page(*, app: str, page: str) -> bytes:
    """The page with a link to the app and one to the web page; both carry the click ID."""
    return _PAGE.format(app=escape(app), page=escape(page)).encode()
