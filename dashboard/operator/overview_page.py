"""The context of the operator panel's first page: figures, chart and queues that the operator may see."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest
from django.utils import dateformat, timezone
from django.utils.translation import gettext

from affiliates.access.operators import operator
from affiliates.roles.reach import Affiliates
from dashboard.navigation import badge, waiting_for
from dashboard.operator import overview as queries
from dashboard.operator.overview import Day
from records.translation import gettext_lazy as _

# What the figures are made of.
FIGURES = ("tracking.view_click", "conversions.view_conversion", "payouts.view_ledgerentry")


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what this operator may see; each part is left out without the permission to view its rows."""
    now, user = timezone.now(), request.user
    counts = waiting_for(request)
    context["may_trace"] = user.has_perm("conversions.view_trace")
    context["zone"] = timezone.get_current_timezone_name()
    affiliates = operator(request).affiliates_within(*FIGURES)
    if affiliates != ():
        context |= _figures(now, affiliates)
    context["queues"] = _queues(request, now, counts)
    if user.has_perm("conversions.view_postback"):
        context["refusals"] = queries.refusals(operator(request), now=now)
        context["recent_postbacks"] = queries.recent_postbacks(operator(request))
    return context


def _figures(now: datetime, affiliates: Affiliates) -> dict[str, Any]:
    figures = queries.figures(now=now, zone=timezone.get_current_timezone(), affiliates=affiliates)
    return {
        "periods": queries.periods(figures.days),
        "chart": json.dumps(chart(figures.days)),
        "chart_options": json.dumps(CHART_OPTIONS, cls=DjangoJSONEncoder),
        "leaders": (
            (gettext("Top affiliates"), "affiliates_affiliate", figures.affiliates),
            (gettext("Top offers"), "affiliates_offer", figures.offers),
        ),
    }


def _queues(request: HttpRequest, now: datetime, counts: Any) -> dict[str, Any]:
    """Items that wait for a person, the oldest first."""
    queues: dict[str, Any] = {}
    if request.user.has_perm("affiliates.view_affiliate"):
        queues["affiliates"] = {
            "rows": queries.waiting_affiliates(operator(request)),
            "number": badge(counts.affiliates),
        }
    if request.user.has_perm("affiliates.view_enrollment"):
        queues["enrollments"] = {
            "rows": queries.waiting_enrollments(operator(request)),
            "number": badge(counts.enrollments),
        }
    if request.user.has_perm("conversions.view_conversion"):
        queues["conversions"] = {
            "rows": queries.pending_conversions(operator(request)),
            "number": badge(counts.conversions),
        }
    return queues


def chart(days: Sequence[Day]) -> dict[str, Any]:
    """Clicks as a line, conversions as stacked bars: two scales, as there are many more clicks."""
    bars = (
        ("approved", gettext("Approved"), "--aff-green"),
        ("pending", gettext("Pending"), "--aff-amber"),
        ("rejected", gettext("Rejected"), "--aff-red"),
    )
    line = {
        "type": "line",
        "label": gettext("Clicks"),
        "data": [day.clicks for day in days],
        "yAxisID": "clicks",
        "borderColor": "var(--aff-blue)",
        "backgroundColor": "var(--aff-blue)",
        "borderWidth": 2,
        "pointRadius": 0,
        "pointHitRadius": 12,
        "tension": 0.3,
    }
    stacked = [
        {
            "label": label,
            "data": [day.conversions[status] for day in days],
            "backgroundColor": f"var({colour})",
            "stack": "conversions",
            "yAxisID": "y",
            "maxBarThickness": 18,
            "borderRadius": 2,
        }
        for status, label, colour in bars
    ]
    return {"labels": [dateformat.format(day.on, "M j") for day in days], "datasets": [line, *stacked]}


CHART_OPTIONS: dict[str, Any] = {
    "maintainAspectRatio": False,
    "animation": False,
    "interaction": {"mode": "index", "intersect": False},
    "plugins": {
        "legend": {
            "display": True,
            "position": "top",
            "align": "end",
            "labels": {"boxWidth": 10, "boxHeight": 10, "color": "#8a94a6", "usePointStyle": True},
        }
    },
    "scales": {
        "x": {"grid": {"display": False}, "ticks": {"color": "#8a94a6", "maxRotation": 0, "autoSkipPadding": 16}},
        "y": {
            "stacked": True,
            "beginAtZero": True,
            "grid": {"tickLength": 0},
            "ticks": {"color": "#8a94a6", "precision": 0},
            "title": {"display": True, "text": _("Conversions"), "color": "#8a94a6"},
        },
        "clicks": {
            "position": "right",
            "beginAtZero": True,
            "grid": {"display": False},
            "ticks": {"color": "#8a94a6", "precision": 0},
            "title": {"display": True, "text": _("Clicks"), "color": "#8a94a6"},
        },
    },
}
