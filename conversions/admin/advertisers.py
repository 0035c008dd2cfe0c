"""Advertisers with their ready-made postbacks, and the senders whose postbacks were refused."""

from collections import Counter
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.decorators import display

from affiliates.admin import AdvertiserAdmin
from affiliates.models import Advertiser
from conversions.admin.sources import goals_of, is_file, set_up, title_of
from conversions.dialects.own import address, dialect_of
from conversions.models import Goal, Postback, SenderMapping, SourceConnection
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from conversions.sources.connections import address_of
from records.translation import gettext_lazy as _
from web.panel import code, list_link, rows_of

DAY = timedelta(hours=24)
# How long an address counts as the advertiser's after its last request.
KNOWN_FOR = timedelta(days=30)
# Failed addresses that are compared with the advertiser's own; more are a flood.
MOST_ADDRESSES = 200
REFUSED_SENDERS = (Postback.Outcome.UNAUTHORIZED, Postback.Outcome.FORBIDDEN)

admin.site.unregister(Advertiser)


@admin.register(Advertiser)
class AdvertiserWithPostbacksAdmin(AdvertiserAdmin):
    """An advertiser whose pages show ready-made postbacks for its goals, and refused attempts."""

    fieldsets = (
        *AdvertiserAdmin.fieldsets,
        (_("Refused in the last 24 hours"), {"fields": ("turned_away",)}),
    )
    readonly_fields = (*AdvertiserAdmin.readonly_fields, "turned_away")

    def examples(self, advertiser: Advertiser, token: str) -> list[Any]:
        goals = Goal.objects.filter(offer__advertiser=advertiser, is_active=True).select_related("offer")
        return [
            {"offer": goal.offer, "goal": goal, "url": example_url(goal, token)}
            for goal in goals.order_by("offer__name", "position", "id")
        ]

    def own_addresses(self, advertiser: Advertiser, token: str) -> list[Any]:
        rows = SenderMapping.objects.filter(Q(advertiser=advertiser) | Q(advertiser=None), is_active=True)
        return [{"name": row.name, "url": own_url(row, token)} for row in rows]

    def connected_sources(self, advertiser: Advertiser) -> list[Any]:
        return [
            {
                "row": row,
                "title": title_of(row),
                "address": "" if is_file(row) else address_of(row),
                "goals": [*goals_of(row)],
                "set_up": set_up(row),
            }
            for row in SourceConnection.objects.filter(advertiser=advertiser)
        ]

    @display(description=_("Senders"))
    def turned_away(self, row: Advertiser) -> SafeString:
        """Refused attempts by address and reason, the most frequent first, each with what to do about it."""
        lines = (
            (
                list_link(
                    "admin:conversions_postback_changelist", f"{count:,}", q=ip, outcome=outcome, reason__exact=reason
                ),
                code(ip or gettext("no address")),
                f"{Reason(reason).label}. {EXPLANATIONS[Reason(reason)].remedy}",
            )
            for (ip, outcome, reason), count in turned_away(row).most_common(20)
        )
        empty = gettext("None: every request named the advertiser correctly.")
        table = rows_of((gettext("Times"), gettext("From"), gettext("Why, and what to do")), lines, empty=empty)
        limit = settings.FAILED_POSTBACKS_PER_MINUTE
        note = (
            gettext("After {limit} failures within a minute an address has to wait (429).").format(limit=limit)
            if limit
            else ""
        )
        return format_html("{}<p>{}</p>", table, note)


def turned_away(advertiser: Advertiser) -> Counter[tuple[str, str, str]]:
    """The number of refused requests in the last 24 hours, by address, outcome and reason.

    Includes requests known to be the advertiser's, and those with an unknown token from an address that it sends from.
    """
    since = timezone.now() - DAY
    refused = Postback.objects.filter(received_at__gt=since, outcome__in=REFUSED_SENDERS).order_by()
    own = refused.filter(advertiser=advertiser)
    strangers = refused.filter(advertiser=None, outcome=Postback.Outcome.UNAUTHORIZED)
    failing = list(strangers.values_list("ip", flat=True).distinct()[:MOST_ADDRESSES])
    identified = Postback.objects.filter(advertiser=advertiser, ip__in=failing, received_at__gt=since - KNOWN_FOR)
    its = strangers.filter(ip__in=set(identified.order_by().values_list("ip", flat=True).distinct()))
    found: Counter[tuple[str, str, str]] = Counter()
    for rows in (own, its):
        for ip, outcome, reason, count in rows.values_list("ip", "outcome", "reason").annotate(Count("pk")):
            found[ip or "", outcome, reason] += count
    return found


def own_url(row: SenderMapping, token: str) -> str:
    """The address of a mapping with the token in it."""
    return f"{settings.PUBLIC_URL}{address(dialect_of(row).mapping)}".replace("{token}", token)


def example_url(goal: Goal, token: str) -> str:
    """A postback for the goal; values that the sender fills in are in {braces}."""
    fields = {"click_id": "{click_id}", "txid": "{transaction_id}", "event_type": goal.code}
    if goal.needs_customer_id or goal.once_per_customer:
        fields["customer_id"] = "{customer_id}"
    if goal.needs_revenue or goal.minimum_revenue or goal.kind not in (Goal.Kind.REGISTRATION, Goal.Kind.KYC):
        fields |= {"revenue": "{amount}", "currency": goal.offer.currency}
    return f"{settings.PUBLIC_URL}/postback?{urlencode({**fields, 'token': token}, safe='{}', quote_via=quote)}"
