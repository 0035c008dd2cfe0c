"""The kinds of an offer's destination: a web page, an app, a store, a measurement partner. One row for each.

A row holds all that differs: for which system it is, how an operator enters it, and how the click ID gets there. The
panel's form, the model's validation and the capture of clicks walk this table.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext

from records.addresses import MACRO, host_allowed, validate_destination, validate_macros
from records.kinds import by_code
from records.translation import gettext_lazy as _

IOS, ANDROID = "iOS", "Android"
CLICK_MACRO = "{click_id}"
APP_STORE_ID = re.compile(r"(?:id)?([0-9]{5,15})")
PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+")
_APP_STORE_PATH = re.compile(r"/(?:.*/)?id[0-9]{5,15}/?")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{1,60})://[^/?#]*", re.IGNORECASE)
# Schemes that run code, read files, or are no app's own.
_REFUSED_SCHEMES = frozenset((
        "http", "https", "javascript", "vbscript", "data", "blob", "file", "filesystem", "about",
        "view-source", "content", "intent", "android-app", "market", "itms", "itms-apps", "itms-services",
        "ws", "wss", "ftp", "mailto", "tel", "sms", "facetime", "chrome",
))  # fmt: skip
# The most characters of a campaign token in the App Store, and how long each macro can get.
LONGEST_TOKEN = 40
_MACRO_LENGTHS = {
    "click_id": 40, "affiliate_id": 16, "offer_id": 16, "link_code": 40, "country": 2, "timestamp": 10,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DestinationKind:
    """A kind of destination.

    `read` gives the address as it is stored, from what an operator entered, or raises `ValidationError`. `pairs` carry
    the click ID in place of the offer's own parameters; `extras` are added where their names are missing, with `if_has`
    only beside that parameter. `goes_first` decides between kinds that fit a visitor: the lowest is chosen.
    """

    code: str
    label: str | Promise
    hint: str | Promise
    example: str
    read: Callable[[str], str]
    system: str = ""
    goes_first: int = 1
    pairs: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    if_has: str = ""
    # The parameter whose value is a query of its own that carries the click ID: the install referrer.
    nested_in: str = ""
    # Whether a browser inside another app can open it.
    in_app_browsers: bool = True
    # Reached by a page with two links, for a browser shows an error if the app is missing.
    by_page: bool = False


def read_web(text: str) -> str:
    validate_destination(text)
    return text


def _read_domain_link(text: str) -> str:
    validate_destination(text)
    if urlsplit(text).scheme != "https":
        raise ValidationError(gettext("Systems open apps for https:// addresses only."))
    return text


def _read_app_store(text: str) -> str:
    if found := APP_STORE_ID.fullmatch(text):
        return f"https://apps.apple.com/app/id{found[1]}"
    _on_hosts(text, ["apps.apple.com", "itunes.apple.com"], "https://apps.apple.com/app/id123456789")
    parts = urlsplit(text)
    if not _APP_STORE_PATH.fullmatch(parts.path):
        raise ValidationError(gettext("The address must name the app, as in https://apps.apple.com/app/id123456789."))
    token = dict(parse_qsl(parts.query, keep_blank_values=True)).get("ct", "")
    _check_token(token)
    return text


def _check_token(token: str) -> None:
    names = MACRO.findall(token)
    if unknown := [name for name in names if name not in _MACRO_LENGTHS]:
        message = gettext("{{{name}}} may be longer than a campaign token (ct): use {{link_code}} or {{click_id}}.")
        raise ValidationError(message.format(name=unknown[0]))
    length = len(MACRO.sub("", token)) + sum(_MACRO_LENGTHS[name] for name in names)
    if length > LONGEST_TOKEN:
        message = gettext("The campaign token (ct) can get {length} characters long; the App Store takes {most}.")
        raise ValidationError(message.format(length=length, most=LONGEST_TOKEN))


def _read_play_store(text: str) -> str:
    if PACKAGE.fullmatch(text):
        return f"https://play.google.com/store/apps/details?id={text}"
    _on_hosts(text, ["play.google.com"], "https://play.google.com/store/apps/details?id=com.example.shop")
    parts = urlsplit(text)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if parts.path != "/store/apps/details" or not PACKAGE.fullmatch(dict(query).get("id", "")):
        message = gettext("Name the package: https://play.google.com/store/apps/details?id=com.example.shop.")
        raise ValidationError(message)
    if [name for name, _value in query].count("referrer") > 1:
        raise ValidationError(gettext("The install referrer (referrer=) may stand there once."))
    if any(CLICK_MACRO in unquote(value) for name, value in query if name != "referrer"):
        message = gettext("The Play Store hands only the install referrer to the app: put {click_id} into referrer=.")
        raise ValidationError(message)
    return text


def _read_scheme(text: str) -> str:
    found = _SCHEME.match(text)
    if not found or found[1].lower() in _REFUSED_SCHEMES:
        raise ValidationError(gettext("Give the app's own scheme, as in exampleshop://product/7."))
    if not text.isascii() or re.search(r"[\x00-\x20\x7f\\\"'<>`]", text) or "{" in found[0]:
        raise ValidationError(gettext("Only plain characters are allowed, and no macro before the first slash."))
    validate_macros(text)
    return text


def _read_appsflyer(text: str) -> str:
    example = "https://example.onelink.me/Ab1c?pid=acme_int"
    _on_hosts(text, ["*.onelink.me", "app.appsflyer.com", "*.af-link.com"], example, or_own=True)
    if not dict(parse_qsl(urlsplit(text).query)).get("pid"):
        raise ValidationError(gettext("Name your media source: AppsFlyer needs pid=, as in pid=acme_int."))
    return text


def _read_adjust(text: str) -> str:
    _on_hosts(text, ["app.adjust.com"], "https://app.adjust.com/abc123")
    if not urlsplit(text).path.strip("/"):
        raise ValidationError(gettext("Name the link's token, as in https://app.adjust.com/abc123."))
    return text


def _read_adjust_branded(text: str) -> str:
    _on_hosts(text, [], "https://acme.go.link/product?adj_t=abc123", or_own=True)
    if not dict(parse_qsl(urlsplit(text).query)).get("adj_t"):
        raise ValidationError(gettext("Name the link's token: a branded link has it in adj_t=."))
    return text


def _on_hosts(text: str, hosts: list[str], example: str, *, or_own: bool = False) -> None:
    """Refuse an address that is elsewhere; partners' branded domains may be any host with https."""
    validate_destination(text)
    parts = urlsplit(text)
    if parts.scheme != "https" or not (or_own or host_allowed(parts.hostname or "", hosts)):
        raise ValidationError(gettext("Give an address such as {example}.").format(example=example))


KINDS: dict[str, DestinationKind] = by_code(
    (
        DestinationKind(
            "web", _("Web page"), _("A page, for the visitors chosen below."), "https://m.shop.example/?lang=de",
            read_web, goes_first=3,
        ),
        DestinationKind(
            "universal_link", _("iOS universal link"),
            _("A page of a domain that is associated with the app. Without the app, and in browsers inside other apps, "
              "visitors see web pages."),
            "https://shop.example/product/7", _read_domain_link, system=IOS, in_app_browsers=False,
        ),
        DestinationKind(
            "app_store", _("App Store"),
            _("The app's ID, or its address. With your provider token (pt=), the link's code is the campaign token."),
            "id123456789", _read_app_store, system=IOS, extras=("ct={link_code}", "mt=8"), if_has="pt",
        ),
        DestinationKind(
            "app_link", _("Android app link"),
            _("A page of a domain that is associated with the app. Without the app, and in browsers inside other apps, "
              "visitors see web pages."),
            "https://shop.example/product/7", _read_domain_link, system=ANDROID, in_app_browsers=False,
        ),
        DestinationKind(
            "play_store", _("Google Play"),
            _("The package, or its address. The click ID travels in the install referrer."),
            "com.example.shop", _read_play_store, system=ANDROID, nested_in="referrer",
            extras=("utm_source={affiliate_id}", "utm_medium=affiliate", "utm_campaign={link_code}"),
        ),
        DestinationKind(
            "custom_scheme", _("App by its own scheme"),
            _("The last resort: a page asks the visitor to open the app or to go on in the browser."),
            "exampleshop://product/7", _read_scheme, goes_first=2, in_app_browsers=False, by_page=True,
        ),
        DestinationKind(
            "appsflyer", _("AppsFlyer link"),
            _("A OneLink or attribution link with your media source. It gets clickid, af_siteid and af_c_id."),
            "https://example.onelink.me/Ab1c?pid=acme_int", _read_appsflyer,
            pairs=("clickid={click_id}",), extras=("af_siteid={affiliate_id}", "af_c_id={offer_id}"),
        ),
        DestinationKind(
            "adjust", _("Adjust link"),
            _("A link with its token. The click ID travels in label; campaign, adgroup and creative are the offer, the "
              "affiliate and the link."),
            "https://app.adjust.com/abc123", _read_adjust, pairs=("label={click_id}",),
            extras=("campaign={offer_id}", "adgroup={affiliate_id}", "creative={link_code}"),
        ),
        DestinationKind(
            "adjust_branded", _("Adjust branded link"),
            _("A branded or universal link of Adjust with its token, where the same parameters begin with adj_."),
            "https://acme.go.link/product?adj_t=abc123", _read_adjust_branded, pairs=("adj_label={click_id}",),
            extras=("adj_campaign={offer_id}", "adj_adgroup={affiliate_id}", "adj_creative={link_code}"),
        ),
    )
)  # fmt: skip
WEB = "web"
CHOICES = [(kind.code, kind.label) for kind in KINDS.values()]
