"""Read a pasted address, JSON body or curl command as the request that it would send."""

import base64
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from asgiref.sync import async_to_sync

from conversions.dialects.mapping import NATIVE
from conversions.endpoints.dialects import KEY, PREFIX, find_address
from conversions.endpoints.native import PATH, take_in
from conversions.intake import Received

LONGEST = 20_000
# Options of curl that take a value and do not change the request.
_ASIDE = frozenset(
    {"-o", "--output", "-A", "--user-agent", "-e", "--referer", "-b", "--cookie", "-c", "--cookie-jar", "-m"}
    | {"--max-time", "--connect-timeout", "-x", "--proxy", "--retry", "--cacert", "--cert", "--key", "-w"}
    | {"--write-out", "--resolve", "--interface", "-T", "--limit-rate"}
)
_DATA = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json", "--data-urlencode"})
_WITH_VALUE = _ASIDE | _DATA | {"-X", "--request", "-H", "--header", "-u", "--user", "--url"}
_VERB = re.compile(r"^(GET|POST|PUT|HEAD|DELETE|PATCH)\s+", re.IGNORECASE)


class NotReadable(ValueError):
    """The pasted text is no request; the message says what to paste."""


@dataclass
class SentRequest:
    """A request as it would reach us. `scheme` and `host` are empty if only a path was pasted."""

    method: str
    scheme: str
    host: str
    path: str
    query: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def received(self) -> Received:
        """The request as its endpoint would receive it: read by the same code."""
        scope: dict[str, Any] = {
            "type": "http",
            "method": self.method,
            "path": unquote(self.path),
            "query_string": self.query.encode(),
            "headers": [
                *((name.lower().encode(), value.encode()) for name, value in self.headers.items()),
                (b"content-length", str(len(self.body.encode("utf-8", "replace"))).encode()),
            ],
            "client": None,
            "scheme": self.scheme or "https",
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": self.body.encode("utf-8", "replace"), "more_body": False}

        address = find_address(scope["path"])
        paths = address.dialect.mapping.paths if address else ()
        received = async_to_sync(take_in)(scope, receive, nested=address is not None, paths=paths)
        received.received_at = datetime.now(UTC)
        if address:
            received.mapping, received.path = address.dialect.name, address.path
            received.bearer = address.token or received.bearer or _password(self.headers)
        return received


def _password(headers: dict[str, str]) -> str:
    kind, _, encoded = headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def read(text: str) -> SentRequest:
    """Read an address (whole, a path, or only the parameters), a JSON body or a curl command; raise `NotReadable`."""
    text = text.strip().removeprefix("$ ")
    if not text:
        raise NotReadable("Paste the address of a postback, or the curl command that sends it.")
    if len(text) > LONGEST:
        raise NotReadable(f"That is longer than {LONGEST:,} characters: paste one request.")
    if text.split(maxsplit=1)[0] == "curl":
        return _curl(text)
    if _is_object(text):
        return SentRequest("POST", "", "", PATH, "", {"content-type": "application/json"}, text)
    method = "GET"
    if verb := _VERB.match(text):
        method, text = verb[1].upper(), text[verb.end() :]
    return _address(method, "".join(text.split("\n")).strip())


def _is_object(text: str) -> bool:
    """Whether the text is the JSON body of a request; a macro in braces is not."""
    try:
        return text.startswith("{") and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def as_form(sent: SentRequest, name: str) -> SentRequest:
    """The request as sent to the address of that dialect; a token in its path stays."""
    token = next((part for part in sent.path.split("/") if KEY.fullmatch(part)), "")
    path = PATH if name == NATIVE.name else f"{PREFIX}{name}/{f'{token}/' if token else ''}postback"
    return replace(sent, path=path)


def _address(method: str, text: str) -> SentRequest:
    if "://" not in text.split("?", 1)[0] and not text.startswith("/"):
        if "/" in text.split("?", 1)[0]:
            text = f"https://{text}"
        elif "=" in text:
            text = f"{PATH}?{text.lstrip('?&')}"
    try:
        # Macros such as [cid] or #txid# are no part of an address: they are protected while it is parsed.
        head, mark, query = text.partition("?")
        parts = urlsplit(head)
        host = parts.netloc
    except ValueError as error:
        raise NotReadable(f"This is not an address: {error}.") from error
    if parts.scheme not in ("", "http", "https"):
        raise NotReadable(f"{parts.scheme}:// is no address that a postback goes to; it begins with https://.")
    if not mark and not host and not parts.path.startswith("/"):
        raise NotReadable("This is neither an address nor a curl command. An address has a ? with parameters after it.")
    return SentRequest(method, parts.scheme, host, parts.path or "/", _encoded(query))


def _encoded(query: str) -> str:
    """The query, URL-encoded where needed; the # of a fragment belongs to a macro here."""
    return quote(query, safe="=&%+;/?:@!$'()*,~-._{}[]<>|^`\\\"#")


@dataclass
class _Command:
    """The parts of a curl command read so far."""

    method: str = ""
    url: str = ""
    data: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    as_query: bool = False

    def take(self, option: str, value: str) -> None:
        if option in ("-X", "--request"):
            self.method = value.upper()
        elif option in ("-I", "--head"):
            self.method = "HEAD"
        elif option in ("-G", "--get"):
            self.as_query = True
        elif option in ("-H", "--header"):
            name, _, content = value.partition(":")
            self.headers[name.strip().lower()] = content.strip()
        elif option in ("-u", "--user"):
            self.headers["authorization"] = "Basic " + base64.b64encode(value.encode()).decode()
        elif option in ("", "--url"):
            self.url = self.url or value
        elif option in _DATA:
            self.data.append(_content(option, value))
            if option == "--json":
                self.headers.setdefault("content-type", "application/json")

    def sent(self) -> SentRequest:
        found = _address(self.method or ("GET" if self.as_query or not self.data else "POST"), self.url)
        found.headers = self.headers
        if self.as_query:
            found.query = "&".join(part for part in (found.query, *self.data) if part)
        elif self.data:
            found.body = "&".join(self.data)
            self.headers.setdefault("content-type", "application/x-www-form-urlencoded")
        return found


def _curl(text: str) -> SentRequest:
    try:
        words = shlex.split(re.sub(r"[\\^]\r?\n", " ", text))[1:]
    except ValueError as error:
        raise NotReadable(f"The curl command cannot be read: {error}. Is a quotation mark missing?") from error
    command = _Command()
    for option, value in _options(words):
        command.take(option, value)
    if not command.url:
        raise NotReadable("The curl command names no address.")
    return command.sent()


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value, attached or separate; other arguments come under an empty name."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--") and "=" in word and word.partition("=")[0] in _WITH_VALUE:
            name, _, value = word.partition("=")
            yield name, value
        elif word in _WITH_VALUE:
            yield word, next(rest, "")
        elif word.startswith("-") and not word.startswith("--") and word[:2] in _WITH_VALUE:
            yield word[:2], word[2:]
        elif word.startswith("-") and len(word) > 1:
            yield word, ""
        else:
            yield "", word


def _content(option: str, value: str) -> str:
    if value.startswith("@"):
        raise NotReadable(f"{option} {value} names a file on the sender's machine: paste what is in it instead.")
    if option != "--data-urlencode":
        return value
    name, mark, content = value.partition("=")
    return f"{name}={quote_plus(content)}" if mark else quote_plus(value)
