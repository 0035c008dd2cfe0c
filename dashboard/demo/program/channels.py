"""How affiliates reach people: the labels, referrers and devices that each way of promoting leaves on a click."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Channel:
    """`labels` are the values of sub1, sub2, …; `mobile` is the share of phones; `bots` that of robots.

    With a `tracker` the affiliate's own tracking system adds its click ID to each click.
    """

    source: str
    labels: tuple[tuple[str, ...], ...]
    referrers: tuple[str, ...]
    mobile: float = 0.6
    bots: float = 0.02
    tracker: bool = False


REVIEWS = Channel(
    source="site",
    labels=(
        ("review", "top10", "compare", "bonus-list"),
        ("header", "table-row-1", "table-row-2", "sidebar", "footer"),
    ),
    referrers=("https://www.google.example/", "{site}/reviews/", "{site}/top-10/", "{site}/compare/", ""),
    mobile=0.58,
    bots=0.035,
)
GUIDES = Channel(
    source="site",
    labels=(("balcony", "raised-beds", "winter-garden", "tools"), ("in-text", "shopping-list", "sidebar")),
    referrers=("https://www.google.example/", "{site}/garden/", "https://pins.example/", ""),
    mobile=0.63,
    bots=0.03,
)
VIDEO = Channel(
    source="youtube",
    labels=(("yt-live", "yt-shorts", "yt-review"), ("description", "pinned-comment")),
    referrers=("https://video.example/", "https://m.video.example/", ""),
    mobile=0.74,
    bots=0.015,
)
MESSENGER = Channel(
    source="telegram",
    labels=(("tg-daily", "tg-weekend", "tg-vip"),),
    referrers=("",),
    mobile=0.9,
    bots=0.04,
)
NEWSLETTER = Channel(
    source="newsletter",
    labels=(("nl-tuesday", "nl-weekend", "nl-welcome"), ("hero", "middle", "ps")),
    referrers=("https://mail.example/", ""),
    mobile=0.52,
    bots=0.03,
)
DISCORD = Channel(
    source="discord",
    labels=(("announcements", "general", "results"),),
    referrers=("https://chat.example/", ""),
    mobile=0.35,
    bots=0.02,
)
TOOLS = Channel(
    source="site",
    labels=(("calculator", "drawdown-guide", "payout-table", "firm-ranking"), ("cta-top", "cta-bottom", "inline")),
    referrers=("https://www.google.example/", "{site}/calculator/", "{site}/prop-firms/", "https://forum.example/"),
    mobile=0.38,
    bots=0.03,
)
DEALS = Channel(
    source="deals",
    labels=(("daily-deal", "spring-sale", "garden-week", "coupon-page"), ("list", "detail", "push")),
    referrers=("{site}/", "{site}/garden/", "{site}/coupons/", "https://www.google.example/"),
    mobile=0.71,
    bots=0.025,
)
ADS = Channel(
    source="ppc",
    labels=(
        ("search-generic", "search-slots", "native-a", "native-b"),
        ("kw-casino-bonus", "kw-free-spins", "kw-best-slots", "zone-4411", "zone-9120"),
        ("ad-1", "ad-2", "ad-3", "ad-4"),
    ),
    referrers=("https://www.google.example/", "https://native-ads.example/", ""),
    mobile=0.68,
    bots=0.05,
    tracker=True,
)
POPUNDER = Channel(
    source="pop",
    labels=(("pop-tier1", "pop-tier2"), ("zone-118", "zone-402", "zone-779", "zone-801")),
    referrers=("", "https://ads.example/"),
    mobile=0.8,
    bots=0.16,
    tracker=True,
)
