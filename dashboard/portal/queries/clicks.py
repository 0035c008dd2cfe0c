"""The affiliate's clicks, newest first, a page at a time by key: page 1,000 costs what page 1 does."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from affiliates.models import Affiliate
from dashboard.portal.queries.figures import conversions_by_click
from tracking.click_id import codec
from tracking.models import Click, TrackingLink

PAGE = 50


@dataclass(frozen=True, slots=True)
class ClickRow:
    click: Click
    conversions: int

    @property
    def text(self) -> str:
        """The signed click ID, as the advertiser sends it back."""
        return codec.text_of(self.click.pk)

    @property
    def sub_ids(self) -> list[tuple[str, str]]:
        return sub_ids(self.click)


@dataclass(frozen=True, slots=True)
class ClickPage:
    """Some clicks, and the keys that lead on to newer and older ones (empty at the ends)."""

    rows: list[ClickRow]
    newer: str
    older: str


def clicks_of(affiliate: Affiliate) -> QuerySet[Click]:
    """Links are few and known first, so each is a range of the index over link and click key."""
    own = TrackingLink.objects.filter(enrollment__affiliate=affiliate).values("pk")
    return Click.objects.filter(link__in=own).select_related("link").order_by()


def sub_ids(click: Click) -> list[tuple[str, str]]:
    """The labels that the click carried, those that were given."""
    named = [(f"sub{n}", getattr(click, f"sub{n}")) for n in range(1, 11)]
    named += [("aff_click_id", click.aff_click_id), ("source", click.source)]
    return [(name, value) for name, value in named if value]


def page(
    affiliate: Affiliate, clicks: QuerySet[Click], *, before: UUID | None = None, after: UUID | None = None
) -> ClickPage:
    """The page next to a key: `before` leads to older clicks, `after` to newer ones."""
    if after is not None:
        found = list(clicks.filter(pk__gt=after).order_by("pk")[: PAGE + 1])
        more_newer, more_older = len(found) > PAGE, True
        found = found[:PAGE][::-1]
    else:
        bounded = clicks.filter(pk__lt=before) if before else clicks
        found = list(bounded.order_by("-pk")[: PAGE + 1])
        more_newer, more_older = before is not None, len(found) > PAGE
        found = found[:PAGE]
    return ClickPage(
        rows=with_conversions(affiliate, found),
        newer=codec.text_of(found[0].pk) if found and more_newer else "",
        older=codec.text_of(found[-1].pk) if found and more_older else "",
    )


def with_conversions(affiliate: Affiliate, clicks: Iterable[Click]) -> list[ClickRow]:
    listed = list(clicks)
    counts = conversions_by_click(affiliate, [click.pk for click in listed])
    return [ClickRow(click, counts.get(click.pk, 0)) for click in listed]
