"""Every registered address, with a real row where it needs one, and the rule of the table that holds for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import URLResolver, get_resolver

from affiliates.models import Affiliate, ApiKey
from conversions.models import Conversion, Postback
from payouts.models import DraftVersion, Invoice, Payout, Statement, WhatIf
from tests.reach.table import (
    ACCOUNT,
    ACTIONS,
    AFFILIATES,
    API,
    MODELS,
    MORE_TO_VIEW,
    NO_ONE,
    ONLY_POSTED,
    PAGES,
    PORTAL_POSTS,
    SIGNED_IN,
    Rule,
    operators,
)
from tracking.models import TrackingLink

# Django's own pages of a model, with what each needs.
FIVE = {"changelist": "view", "history": "view", "change": "view", "add": "add", "delete": "delete"}
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Address:
    """`room` is panel, portal, api, account or page."""

    room: str
    name: str
    path: str
    rules: dict[str, Rule]


def registered(patterns: Any = None, prefix: str = "", space: str = "") -> Iterator[tuple[str, str, str]]:
    """Namespace, name and route of every address."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from registered(pattern.url_patterns, route, pattern.namespace or space)
        else:
            yield space, pattern.name or "", route


def every_address() -> list[Address]:
    """Raise `KeyError` for an address that the table does not list."""
    found = [_address(*each) for each in registered()]
    return [each for each in found if each]


def _address(space: str, name: str, route: str) -> Address | None:
    if route in ("api/", "admin/(?P<url>.*)$"):
        return None  # What answers where there is no address.
    if space == "portal":
        return Address("portal", name, "/" + _filled(route, _portal_values()), _portal_rules(name))
    if route.startswith("api/"):
        methods = API[name]
        path = "/" + _plain(_filled(route, _api_values(name)))
        return Address("api", name, path + _question(name), methods)
    if route.startswith("accounts/"):
        assert name in ACCOUNT, f"{name} is not in the table"
        return Address("account", name, "/" + _plain(_filled(route, {"pk": "1", "key": "x", "uidb36": "1"})), {})
    if space == "admin" and "<path:object_id>" in route and not name:
        return None  # It leads to the page of the row.
    if space == "admin" and name not in PAGES:
        return _of_model(name, route)
    full = f"{space}:{name}" if space == "trace" else name
    values = {"public_id": _newest(Postback if "postback" in route else Conversion).public_id,
              "content_type_id": "1", "object_id": "1", "app_label": "affiliates", "code": "bad_token"}  # fmt: skip
    return Address("page", full, "/" + _plain(_filled(route, values)), {"get": PAGES[full]})


def _question(name: str) -> str:
    """What has to be asked for, where an address alone asks for nothing."""
    row = _newest(Conversion)
    return {"trace-api": f"?id={row.public_id}", "funnel-api": f"?offer={row.goal.offer.public_id}"}.get(name, "")


def _portal_rules(name: str) -> dict[str, Rule]:
    rules = {} if name in ONLY_POSTED else {"get": AFFILIATES if name != "profile" else SIGNED_IN}
    return {**rules, **({"post": PORTAL_POSTS[name]} if name in PORTAL_POSTS else {})}


def _of_model(name: str, route: str) -> Address:
    """A page of one of the panel's models: one of Django's five, or an action."""
    app, model, *_ = route.removeprefix("admin/").split("/")
    label, action = f"{app}.{model}", name.removeprefix(f"{app}_{model}_")
    rows = next(each for each in admin.site._registry if each._meta.label_lower == label)
    path = "/" + _filled(route, {"object_id": str(_newest(rows).pk), "id": str(_newest(rows).pk)})
    if name in ACTIONS:
        rule = ACTIONS[name]
        rule = permission(label, rule) if isinstance(rule, str) else rule
        return Address("panel", name, path, {"get": rule, "post": rule})
    if action not in FIVE:
        raise KeyError(f"{name} is not in the table")
    given = FIVE[action]
    offered = given[0] in MODELS[label]
    read = permission(label, given) if offered else NO_ONE
    if action not in ("add", "delete", "change"):
        return Address("panel", name, path, {"get": read})
    # Facts are changed by actions alone: posting their page changes nothing, by any role.
    written = permission(label, action) if action[0] in MODELS[label] else NO_ONE
    return Address("panel", name, path, {"get": read, "post": written})


def permission(label: str, verb: str) -> Rule:
    """What the table says about a model: to view is also for those who may change."""
    app, model = label.split(".")
    named = f"{app}.{verb}_{model}"
    if verb == "view":
        return operators(f"{named}|{app}.change_{model}", *MORE_TO_VIEW.get(label, ()))
    return operators(named)


def _newest(model: Any) -> Any:
    return model._default_manager.order_by("-pk").first()


def _portal_values() -> dict[str, str]:
    return {"code": _newest(TrackingLink).code, "pk": str(_newest(ApiKey).pk)}


def _api_values(name: str) -> dict[str, str]:
    models: dict[str, Any] = {
        "affiliate": Affiliate, "conversion": Conversion, "postback": Postback, "payout": Payout, "what-if": WhatIf,
        "postback-log": Postback,
    }  # fmt: skip
    kind = re.sub(r"-(list|detail|lines|pdf|csv|proof|approve|reject|refund|accept|dismiss|replay)$", "", name)
    values = {"code": _newest(TrackingLink).code}
    if kind in models:
        values["id"] = _newest(models[kind]).public_id
    if kind == "offer":
        values["id"] = _newest(Conversion).goal.offer.public_id
    values["number"] = _newest(Invoice if kind == "invoice" else Statement).number
    return values


def _filled(route: str, values: dict[str, str]) -> str:
    """The route with these values; the portal's public IDs are those of the noun in the route."""
    nouns: dict[str, Any] = {
        "conversions/": lambda: _newest(Conversion).public_id,
        "offers/": lambda: _newest(Conversion).goal.offer.public_id,
        "terms/": lambda: _newest(DraftVersion).public_id,
        "earnings/statements/": lambda: _newest(Statement).number,
        "earnings/invoices/": lambda: _newest(Invoice).number,
    }
    for noun, value in nouns.items():
        if route.startswith(noun) and "<str:" in route:
            return re.sub(r"<str:\w+>", value(), route)
    found = re.sub(r"\(\?P<(\w+)>[^()]*\)", lambda match: values[match[1]], route)
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: values[match[1]], found)


def _plain(route: str) -> str:
    return re.sub(r"/\?\$$|\$$|\\Z$", "/", route.replace("^", "")).replace("//", "/")
