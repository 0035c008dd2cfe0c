"""Find an ID among an affiliate's own clicks and conversions, with the data that the affiliate may see."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from affiliates.models import Affiliate
from conversions.holds import HOLDS
from conversions.models import Conversion, Postback
from dashboard.portal.queries.clicks import sub_ids
from dashboard.portal.queries.conversions import ConversionStory, story
from tracking.click_id.codec import ClickID, parse, text_of
from tracking.click_id.pasted import click_ids_in, public_ids_in, tokens_in
from tracking.models import Click, LegacyClickID, TrackingLink

# Each conversion is explained in full; of more, the newest are.
MOST = 20
LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class OwnClick:
    """A click through a link of the affiliate's; without a stored row only what the ID itself proves."""

    text: str
    at: datetime
    link: TrackingLink
    row: Click | None

    @property
    def labels(self) -> dict[str, str]:
        return dict(sub_ids(self.row)) if self.row else {}


@dataclass(frozen=True, slots=True)
class OwnTrace:
    affiliates: Sequence[Affiliate]
    clicks: list[OwnClick]
    conversions: list[ConversionStory]


def own_trace(text: str, kind: str, affiliates: Sequence[Affiliate]) -> OwnTrace | None:
    """The click or conversion of these affiliates that the text names or contains; None if there is none.

    `kind` is `transaction` or `legacy click` for a text that names both. Customers are not searched: affiliates see
    only a part of their IDs. An ID of another affiliate is treated as one that does not exist.
    """
    names = [text] if kind else _names_in(text)
    conversions = _conversions(names, kind, affiliates)
    clicks = _clicks(names, kind, affiliates)
    name = next((each for each in names if each in conversions or each in clicks), None)
    if name is None:
        return None
    found, key = conversions.get(name, []), clicks.get(name)
    rows = Conversion.objects.filter(pk__in=found, affiliate__in=affiliates)
    if key:
        rows |= Conversion.objects.filter(click_id=key, affiliate__in=affiliates)
    listed = list(
        rows.select_related(
            "affiliate", "goal__offer__advertiser", "link", "customer", "appeal", *HOLDS
        ).order_by("-pk")[:MOST]
    )  # fmt: skip
    keys = [key, *(row.click_id for row in listed)]
    return OwnTrace(affiliates, _own_clicks(keys, affiliates), [story(row) for row in reversed(listed)])


def _names_in(text: str) -> list[str]:
    """The text itself, then each genuine click ID, ID of ours and other value in it."""
    whole = [text] if len(text) <= LONGEST_ID else []
    return list(dict.fromkeys([*whole, *click_ids_in(text), *public_ids_in(text), *tokens_in(text)]))


def _conversions(names: Collection[str], kind: str, affiliates: Sequence[Affiliate]) -> dict[str, list[int]]:
    """By name the conversions of these affiliates that have it as transaction, conversion or postback ID."""
    if kind not in ("", "transaction"):
        return {}
    own = Conversion.objects.filter(affiliate__in=affiliates)
    pairs = [*own.filter(transaction_id__in=names).order_by("-pk").values_list("transaction_id", "pk")[:MOST]]
    if not kind:
        pairs += own.filter(public_id__in=names).values_list("public_id", "pk")
        sent = Postback.objects.filter(public_id__in=names, conversion__affiliate__in=affiliates)
        pairs += sent.values_list("public_id", "conversion")
    found: dict[str, list[int]] = {}
    for name, pk in pairs:
        found.setdefault(name, []).append(pk)
    return found


def _clicks(names: Collection[str], kind: str, affiliates: Sequence[Affiliate]) -> dict[str, UUID]:
    """By name the clicks through links of these affiliates: signed IDs, UUIDs of stored ones, imported IDs."""
    found: dict[str, UUID] = {}
    if kind in ("", "legacy click"):
        rows = LegacyClickID.objects.filter(foreign_id__in=names, link__enrollment__affiliate__in=affiliates)
        found |= dict(rows.order_by("clicked_at", "pk").values_list("foreign_id", "click_id"))
    if not kind:
        signed = {name: click.uuid for name in names if (click := parse(name))}
        plain = {name: key for name in names if (key := _as_uuid(name))}
        stored = set(Click.objects.filter(pk__in=plain.values()).values_list("pk", flat=True))
        named = signed | {name: key for name, key in plain.items() if key in stored}
        own = _links(named.values(), affiliates)
        found |= {name: key for name, key in named.items() if ClickID(key).link_number in own}
    return found


def _links(keys: Iterable[UUID], affiliates: Sequence[Affiliate]) -> dict[int, TrackingLink]:
    """The links of these affiliates that the clicks went through."""
    numbers = {ClickID(key).link_number for key in keys}
    links = TrackingLink.objects.filter(pk__in=numbers, enrollment__affiliate__in=affiliates)
    return links.select_related("enrollment__affiliate", "enrollment__offer").in_bulk()


def _own_clicks(keys: Iterable[UUID | None], affiliates: Sequence[Affiliate]) -> list[OwnClick]:
    """The clicks through links of these affiliates, the oldest first; those through links of others are left out."""
    clicks = {key: ClickID(key) for key in keys if key}
    links, stored = _links(clicks, affiliates), Click.objects.in_bulk(list(clicks))
    own = [(key, click, stored.get(key)) for key, click in clicks.items() if click.link_number in links]
    found = [
        OwnClick(text_of(key), row.clicked_at if row else click.made_at, links[click.link_number], row)
        for key, click, row in own
    ]
    return sorted(found, key=lambda each: each.at)


def _as_uuid(text: str) -> UUID | None:
    if len(text) not in (32, 36):
        return None
    try:
        return UUID(text)
    except ValueError:
        return None
