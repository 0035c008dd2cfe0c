"""The operator's users; nine affiliates and their links, of affiliates.toml."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from affiliates.models import Affiliate, Enrollment
from dashboard.demo.program.channels import CHANNELS, Channel
from dashboard.demo.program.tables import build, tables


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    time_zone: str = "UTC"
    # What sets this sign-in apart.
    note: str = ""


OLGA = Person("Olga Lindqvist", "olga@affidavit.example", "Europe/Stockholm")
OMAR = Person("Omar Haddad", "omar@affidavit.example", "Europe/Stockholm")


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
    status: Enrollment.Status = Enrollment.Status.APPROVED
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
    status: Affiliate.Status = Affiliate.Status.ACTIVE
    note: str = ""
    parent: str | None = None


DUARTE, OKAFOR, DESK, BEE = "Ana Duarte Media", "Ben Okafor Reviews", "TopTradeDesk", "Bargain Bee"
KOMPASS, NORDIC, CLICKS, STUDIO = "Kasino-Kompass", "Nordic Bonus Hub", "Brightlane Clicks", "Estúdio Verde"
NEWCOMER = "Brandt Blog"

# What happens to accounts during the time shown, in days ago.
NORDIC_BLOCKED_ON_CHALLENGE, CLICKS_CLOSED, NORDIC_SUSPENDED = 33, 25, 12

PARTNERS = tuple(build(Partner, each, channel=CHANNELS) for each in tables("affiliates.toml")["affiliates"])
# The affiliates' people who can sign in.
ANA, NEW = (next(each.owner for each in PARTNERS if each.name == name) for name in (DUARTE, NEWCOMER))
SIGN_IN = (ANA, NEW)

LINK_SPECS = {link.code: (partner, link) for partner in PARTNERS for link in partner.links}
