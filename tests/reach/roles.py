"""Two affiliates with a row of everything, a person for each role, and what must not be seen of the second."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import models
from django.test import Client

from affiliates.assigning import assign
from affiliates.models import Affiliate, AffiliateMember, CouponCode, User
from affiliates.roles.actions import ACTIONS
from affiliates.roles.paths import PATHS
from affiliates.roles.table import ADMINISTRATOR, ROLES, Role
from conversions.models import Conversion, Customer, Postback, Touch, Trace
from payouts.anchors.seals import seal_statements
from payouts.models import Invoice, LedgerEntry, LedgerHead, Payout, Statement
from tests.dashboard.panel import populate
from tests.dashboard.portal_pages import as_user
from tests.factories import LedgerEntryFactory, OperatorFactory
from tests.reach.addresses import Address, every_address
from tests.reach.people import Answer, undone, written
from tests.reach.table import Rule
from tracking.click_id.codec import text_of
from tracking.models import Click, LegacyClickID, TrackingLink

# No word of a page has these letters.
OWN, FOURTH = "Quincy Partners", "Zwölfender Fourth"
# Roles that are for all affiliates see both.
EVERYWHERE = [role for role in ROLES if not role.only_assigned]


@dataclass
class TwoAffiliates:
    """Everything of `own` and of `fourth`; the addresses of the rows of each."""

    own: Affiliate
    fourth: Affiliate
    of_own: list[Address]
    of_fourth: list[Address]
    marks: set[str]
    clients: dict[str, Client] = field(default_factory=dict)

    def ask(self, who: str, method: str, path: str, data: Any = None, **more: Any) -> Answer:
        with undone():
            before = written()
            answer = getattr(self.clients[who], method)(path, data, **more)
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            text = content.decode(errors="replace")
            return Answer(answer.status_code, answer.headers.get("Location", ""), written() - before, text)

    def shown(self, answer: Answer) -> set[str]:
        """What of the fourth affiliate stands in the answer."""
        text = answer.text + answer.location
        return {mark for mark in self.marks if mark in text}


def two_affiliates() -> TwoAffiliates:
    own = _populated(1, OWN)
    of_own = every_address()
    fourth = _populated(2, FOURTH)
    found = TwoAffiliates(own, fourth, of_own, every_address(), _marks(fourth))
    for role in ROLES:
        person = OperatorFactory(roles=[role.code])
        assign(affiliate_ids=[own.pk], manager=person)
        found.clients[role.code] = _quiet(person)
    found.clients[ADMINISTRATOR.code] = _quiet(OperatorFactory(is_superuser=True))
    _entangle(own, fourth)
    # What operators did is done by operators.
    LogEntry.objects.update(user=OperatorFactory(name="Olga"))
    return found


def _entangle(own: Affiliate, fourth: Affiliate) -> None:
    """What ties two affiliates to each other: a parent, a customer of both, a decision that names the other."""
    Affiliate.objects.filter(pk=own.pk).update(parent=fourth)
    customer = Customer.objects.get(conversions__affiliate=own)
    touch = Touch.objects.get(enrollment__affiliate=fourth)
    touch.pk, touch.customer = None, customer
    touch.save()
    row = Conversion.objects.get(affiliate=own)
    note = f"The customer stays with {own.name}; this click was {fourth.name}'s."
    for trace in Trace.objects.filter(conversion=row):
        trace.pk, trace.steps = None, [{"step": "attribute", "result": "kept", "note": note, "input": {}}]
        trace.save()
    LedgerEntryFactory(affiliate=fourth, kind="commission", conversion=row)


def _populated(number: int, name: str) -> Affiliate:
    populate(number)
    affiliate = AffiliateMember.objects.latest("pk").affiliate
    Affiliate.objects.filter(pk=affiliate.pk).update(name=name)
    affiliate.refresh_from_db()
    # Postbacks are of the conversion that they made, and the chain goes on after the line that is there.
    conversion = Conversion.objects.get(affiliate=affiliate)
    Postback.objects.filter(conversion=None).update(conversion=conversion)
    line = LedgerEntry.objects.get(affiliate=affiliate)
    LedgerHead.objects.filter(affiliate=affiliate).update(sequence=1, hash=line.hash)
    seal_statements(list(Statement.objects.filter(seal=None).values_list("pk", flat=True)))
    return affiliate


def _quiet(person: User) -> Client:
    client = as_user(person)
    client.raise_request_exception = False
    return client


def _marks(affiliate: Affiliate) -> set[str]:
    """What shows a row of the affiliate: its names and IDs."""
    member = AffiliateMember.objects.get(affiliate=affiliate)
    return {
        affiliate.name,
        affiliate.public_id,
        member.user.email,
        TrackingLink.objects.get(enrollment__affiliate=affiliate).code,
        text_of(Click.objects.get(link__enrollment__affiliate=affiliate).pk),
        *Conversion.objects.filter(affiliate=affiliate).values_list("public_id", flat=True),
        *Postback.objects.filter(conversion__affiliate=affiliate).values_list("public_id", flat=True),
        *Customer.objects.filter(conversions__affiliate=affiliate).values_list("customer_id", flat=True),
        *CouponCode.objects.filter(enrollment__affiliate=affiliate).values_list("code", flat=True),
        *LegacyClickID.objects.filter(link__enrollment__affiliate=affiliate).values_list("foreign_id", flat=True),
        *Statement.objects.filter(affiliate=affiliate).values_list("number", flat=True),
        *Invoice.objects.filter(affiliate=affiliate).values_list("number", flat=True),
        *Payout.objects.filter(affiliate=affiliate).values_list("public_id", flat=True),
        *LedgerEntry.objects.filter(affiliate=affiliate).values_list("hash", flat=True),
    }


def allows(role: Role, rule: Rule) -> bool:
    """Whether the table of rules lets the role in."""
    return rule.operators and all(set(need.split("|")) & role.permissions for need in rule.needs)


def model_of(path: str) -> str:
    """The label of the model that a page of the panel is about; empty for other pages."""
    found = re.match(r"/admin/(\w+)/(\w+)/", path)
    label = f"{found[1]}.{found[2]}" if found else ""
    return label if label in PATHS else ""


def lists() -> Iterator[tuple[type[models.Model], Any, str]]:
    """Each list of the panel with its address."""
    for model, page in admin.site._registry.items():
        yield model, page, f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def searches(found: TwoAffiliates) -> Iterator[str]:
    """Every search for what is the fourth's, and lists narrowed to it."""
    words = sorted({*found.marks, FOURTH.split()[0]})
    for word in words:
        yield f"/admin/search/?{urlencode({'s': word, 'extended': '1'})}"
        yield f"/trace/?{urlencode({'q': word})}"
        yield f"/api/v1/trace/?{urlencode({'id': word})}"
    yield f"/admin/funnel/?{urlencode({'affiliate': found.fourth.public_id})}"
    for model, page, path in lists():
        if page.search_fields:
            yield f"{path}?{urlencode({'q': FOURTH})}"
        for each in page.list_filter:
            name = each[0] if isinstance(each, tuple) else ""
            if name.split("__")[-1] == "affiliate":
                yield f"{path}?{urlencode({f'{name}__id__exact': found.fourth.pk})}"
        for name in page.autocomplete_fields:
            query = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": name}
            yield f"/admin/autocomplete/?{urlencode({**query, 'term': ''})}"
            yield f"/admin/autocomplete/?{urlencode({**query, 'term': FOURTH})}"
    for resource in (
        "links",
        "clicks",
        "conversions",
        "ledger-entries",
        "balances",
        "statements",
        "invoices",
        "payouts",
    ):
        yield f"/api/v1/{resource}/?{urlencode({'affiliate': found.fourth.public_id})}"


def exports() -> Iterator[str]:
    for _model, page, path in lists():
        if hasattr(page, "get_export_queryset"):
            yield f"{path}export/"


KNOWN_ACTIONS = {action.code for action in ACTIONS}
