"""The operator's users, nine affiliates, and their links."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from affiliates.models import Affiliate, Enrollment
from dashboard.demo.program import channels
from dashboard.demo.program.channels import Channel
from dashboard.demo.program.offers import CASINO, CHALLENGE, SHOP

ACTIVE, PENDING = Affiliate.Status.ACTIVE, Affiliate.Status.PENDING
APPROVED = Enrollment.Status.APPROVED


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    time_zone: str = "UTC"
    # What sets this sign-in apart.
    note: str = ""


OLGA = Person("Olga Lindqvist", "olga@affidavit.example", "Europe/Stockholm")
OMAR = Person("Omar Haddad", "omar@affidavit.example", "Europe/Stockholm")
ANA = Person("Ana Duarte", "ana@affidavit.example", "Europe/Lisbon", "with history")
NEW = Person("Lena Brandt", "lena@affidavit.example", "Europe/Berlin", "new: no offer yet")
SIGN_IN = (ANA, NEW)


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """A link and its traffic: clicks on an average day, by what they grow over the time shown, peaks by days ago."""

    code: str
    name: str
    offer: str
    channel: Channel
    daily: float = 0
    growth: float = 1.0
    first_day: int = 60
    peaks: Mapping[int, float] = field(default_factory=dict)
    destination: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class AccessSpec:
    """An enrollment: its status at the beginning of the time shown, or at its application if that was later."""

    offer: str
    status: Enrollment.Status = APPROVED
    applied_days_ago: int | None = None
    note: str = ""
    # Orders that come by a coupon code on an average day, by code.
    coupons: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Partner:
    """An affiliate at the beginning of the time shown. `worth` is how well its visitors convert."""

    name: str
    owner: Person
    country: str
    currency: str
    website: str
    joined_days_ago: int
    audience: Mapping[str, int]
    access: tuple[AccessSpec, ...]
    links: tuple[LinkSpec, ...] = ()
    worth: float = 1.0
    status: Affiliate.Status = ACTIVE
    note: str = ""
    parent: str | None = None


DUARTE, OKAFOR, DESK, BEE = "Ana Duarte Media", "Ben Okafor Reviews", "TopTradeDesk", "Bargain Bee"
KOMPASS, NORDIC, CLICKS, STUDIO = "Kasino-Kompass", "Nordic Bonus Hub", "Brightlane Clicks", "Estúdio Verde"
NEWCOMER = "Brandt Blog"

# What happens to accounts during the time shown, in days ago.
NORDIC_BLOCKED_ON_CHALLENGE, CLICKS_CLOSED, NORDIC_SUSPENDED = 33, 25, 12

PARTNERS = (
    Partner(
        name=DUARTE,
        owner=ANA,
        country="PT",
        currency="EUR",
        website="https://anaduarte.example",
        joined_days_ago=520,
        audience={"PT": 46, "BR": 22, "ES": 14, "FR": 6, "DE": 5, "CH": 4, "GB": 3},
        worth=1.2,
        access=(
            AccessSpec(CASINO, note="Clean traffic; met at the Lisbon fair."),
            AccessSpec(CHALLENGE),
            AccessSpec(SHOP, coupons={"ANA15": 0.3}),
        ),
        links=(
            LinkSpec("ana-casino", "Review pages", CASINO, channels.REVIEWS, 74, 1.25, peaks={17: 1.9, 16: 1.5}),
            LinkSpec("ana-casino-yt", "Video descriptions", CASINO, channels.VIDEO, 42, 1.7, peaks={29: 3.2, 28: 2.1}),
            LinkSpec("ana-casino-tg", "Telegram channel", CASINO, channels.MESSENGER, 26, 0.9),
            LinkSpec("ana-challenge", "Trading course", CHALLENGE, channels.VIDEO, 36, 1.3, peaks={25: 2.4, 24: 1.7}),
            LinkSpec(
                "ana-shop",
                "Weekend newsletter",
                SHOP,
                channels.NEWSLETTER,
                38,
                1.1,
                peaks=dict.fromkeys(range(3, 60, 7), 2.6),
            ),
            LinkSpec(
                "ana-shop-garden",
                "Garden guide",
                SHOP,
                channels.GUIDES,
                24,
                0.8,
                destination="https://casaverbena.example/garden?click_id={click_id}&utm_source={sub1}",
            ),
            LinkSpec("ana-casino-old", "Old banner, taken down", CASINO, channels.REVIEWS, is_active=False),
        ),
    ),
    Partner(
        name=OKAFOR,
        owner=Person("Ben Okafor", "ben@benokafor.example", "Europe/London"),
        country="GB",
        currency="EUR",
        website="https://benokafor.example",
        joined_days_ago=610,
        audience={"GB": 52, "IE": 17, "CA": 11, "NZ": 7, "DE": 7, "NL": 6},
        access=(AccessSpec(CASINO, note="Has a CPA of his own."), AccessSpec(CHALLENGE)),
        links=(
            LinkSpec("ben-casino", "Top ten table", CASINO, channels.REVIEWS, 118, 0.85, peaks={44: 1.6}),
            LinkSpec("ben-casino-bonus", "Bonus codes", CASINO, channels.ADS, 72, 1.15),
            LinkSpec("ben-challenge", "Prop firm ranking", CHALLENGE, channels.TOOLS, 46, 1.4),
        ),
    ),
    Partner(
        name=DESK,
        owner=Person("Tomáš Havel", "tomas@toptradedesk.example", "Europe/Prague"),
        country="CZ",
        currency="USD",
        website="https://toptradedesk.example",
        joined_days_ago=290,
        audience={"US": 31, "GB": 14, "IN": 17, "CZ": 9, "DE": 10, "ZA": 8, "AE": 6, "BR": 5},
        worth=1.25,
        access=(
            AccessSpec(CHALLENGE),
            AccessSpec(CASINO, Enrollment.Status.PENDING, applied_days_ago=2),
            AccessSpec(SHOP, Enrollment.Status.REJECTED, 75, "The site has no readers for home and garden."),
        ),
        links=(
            LinkSpec("ttd-challenge", "Challenge calculator", CHALLENGE, channels.TOOLS, 88, 1.35, peaks={22: 1.8}),
            LinkSpec("ttd-discord", "Discord server", CHALLENGE, channels.DISCORD, 44, 1.2),
            LinkSpec("ttd-video", "Live trading stream", CHALLENGE, channels.VIDEO, 19, 2.2, first_day=41),
        ),
    ),
    Partner(
        name=BEE,
        owner=Person("Marlene Vogt", "marlene@bargainbee.example", "Europe/Berlin"),
        country="DE",
        currency="EUR",
        website="https://bargainbee.example",
        joined_days_ago=150,
        audience={"DE": 63, "AT": 16, "CH": 7, "NL": 8, "FR": 6},
        worth=1.3,
        access=(
            AccessSpec(SHOP, coupons={"BEE10": 0.9, "BEESPRING": 0.4}),
            AccessSpec(CASINO, Enrollment.Status.REJECTED, 140, "Coupon traffic is not accepted for this offer."),
        ),
        links=(
            LinkSpec("bee-shop", "Deal feed", SHOP, channels.DEALS, 82, 1.05, peaks={35: 2.0, 34: 1.6, 5: 1.8}),
            LinkSpec("bee-app", "App: push messages", SHOP, channels.DEALS, 24, 1.9, first_day=48),
        ),
    ),
    Partner(
        name=KOMPASS,
        owner=Person("Jonas Wirth", "jonas@kasino-kompass.example", "Europe/Vienna"),
        country="AT",
        currency="EUR",
        website="https://kasino-kompass.example",
        joined_days_ago=38,
        audience={"AT": 38, "DE": 44, "CH": 18},
        worth=0.8,
        parent=OKAFOR,
        access=(AccessSpec(CASINO, applied_days_ago=37, note="Recommended by Ben."),),
        links=(
            LinkSpec("kompass-casino", "Casino comparison", CASINO, channels.REVIEWS, 33, 1.8, first_day=35),
            LinkSpec("kompass-bonus", "Bonus page", CASINO, channels.REVIEWS, 9, 1.4, first_day=30),
        ),
    ),
    Partner(
        name=NORDIC,
        owner=Person("Elias Norberg", "elias@nordicbonushub.example", "Europe/Stockholm"),
        country="SE",
        currency="EUR",
        website="https://nordicbonushub.example",
        joined_days_ago=120,
        audience={"SE": 34, "FI": 31, "NO": 27, "DK": 8},
        worth=1.1,
        access=(AccessSpec(CASINO), AccessSpec(CHALLENGE)),
        links=(
            LinkSpec("nordic-casino", "Bonus hub", CASINO, channels.REVIEWS, 36),
            LinkSpec("nordic-ads", "Native ads", CASINO, channels.POPUNDER, 40, 1.6, peaks={15: 2.2, 14: 2.6, 13: 2.3}),
            LinkSpec("nordic-challenge", "Trading section", CHALLENGE, channels.TOOLS, 8),
        ),
    ),
    Partner(
        name=CLICKS,
        owner=Person("Andreas Kyprou", "andreas@brightlane.example", "Asia/Nicosia"),
        country="CY",
        currency="EUR",
        website="https://brightlane.example",
        joined_days_ago=330,
        audience={"DE": 22, "PL": 20, "RO": 18, "HU": 16, "GR": 14, "CY": 10},
        worth=0.55,
        access=(AccessSpec(CASINO),),
        links=(
            LinkSpec("bright-casino", "Run of network", CASINO, channels.POPUNDER, 44, 0.6),
            LinkSpec("bright-retarget", "Retargeting", CASINO, channels.ADS, 12, 0.7),
        ),
    ),
    Partner(
        name=STUDIO,
        owner=Person("Beatriz Nogueira", "beatriz@estudioverde.example", "America/Sao_Paulo"),
        country="BR",
        currency="USD",
        website="https://estudioverde.example",
        joined_days_ago=3,
        audience={"BR": 100},
        status=PENDING,
        note="Application received; we look at your site within three working days.",
        access=(
            AccessSpec(CHALLENGE, Enrollment.Status.PENDING, applied_days_ago=3),
            AccessSpec(SHOP, Enrollment.Status.PENDING, applied_days_ago=3),
        ),
    ),
    # Accepted this week and nothing else yet: what an affiliate meets first.
    Partner(
        name=NEWCOMER,
        owner=NEW,
        country="DE",
        currency="EUR",
        website="https://brandtblog.example",
        joined_days_ago=1,
        audience={"DE": 100},
        access=(),
    ),
)

LINK_SPECS = {link.code: (partner, link) for partner in PARTNERS for link in partner.links}
