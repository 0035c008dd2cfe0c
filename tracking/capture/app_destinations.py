"""The address of an app, a store or a measurement partner: the click ID in it as its kind wants it.

Everything is settled when a link is read into the cache; a click only fills in the macros.
"""

from urllib.parse import parse_qsl, quote, unquote

from affiliates.destination_kinds import DestinationKind
from records.addresses import MACRO
from tracking.capture.destination import CLICK_MACRO, NESTED, Template, compile_template, with_click

_KEPT_IN_NESTED = "{}"


def compile_destination(url: str, kind: DestinationKind, offer_pairs: tuple[str, ...]) -> Template:
    """The template of a destination: exactly one click ID, where this kind of address hands it on."""
    pairs = kind.pairs or offer_pairs
    if kind.nested_in:
        return _nested(url, kind, pairs)
    return compile_template(_with_extras(url, kind), pairs)


def _with_extras(url: str, kind: DestinationKind) -> str:
    """The address with the kind's further parameters; those that the operator wrote are not changed."""
    address, hash_sign, fragment = url.partition("#")
    path, _, query = address.partition("?")
    there = {name for name, _value in parse_qsl(query, keep_blank_values=True)}
    if kind.if_has and kind.if_has not in there:
        return url
    added = [extra for extra in kind.extras if extra.partition("=")[0] not in there]
    return f"{path}?{'&'.join([*([query] if query else []), *added])}{hash_sign}{fragment}"


def _nested(url: str, kind: DestinationKind, pairs: tuple[str, ...]) -> Template:
    """The click ID in a query that is itself the value of a parameter: encoded twice, its macros too."""
    address = url.partition("#")[0]
    path, _, query = address.partition("?")
    parts = [part for part in query.split("&") if part]
    own = next((part for part in parts if part.partition("=")[0] == kind.nested_in), "")
    inner = unquote(own.partition("=")[2])
    inner = inner if CLICK_MACRO in inner else with_click(f"?{inner}", pairs)
    inner = _with_extras(f"?{inner.removeprefix('?')}", kind).removeprefix("?")
    others = "&".join(part for part in parts if part is not own)
    before = f"{path}?{others}{'&' if others else ''}{kind.nested_in}="
    encoded = MACRO.split(quote(inner, safe=_KEPT_IN_NESTED))
    encoded[1::2] = [NESTED + name for name in encoded[1::2]]
    start = MACRO.split(before)
    return (*start[:-1], start[-1] + encoded[0], *encoded[1:])
