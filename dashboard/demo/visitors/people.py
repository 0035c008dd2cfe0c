"""Made-up visitors and bots, with addresses from the ranges reserved for documentation."""

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from uuid import UUID

from dashboard.demo.program.partners import LinkSpec, Partner

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS {0} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
PHONES = (
    f"{_IPHONE.format('19_1')} Version/19.1 Mobile/15E148 Safari/604.1",
    f"{_IPHONE.format('18_6')} Version/18.6 Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 16; SM-S936B) {_WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14; 23129RAA4G) {_WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36",
)
TABLETS = (
    "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 15; SM-X620) {_WEBKIT} Chrome/142.0.0.0 Safari/537.36",
)
DESKTOPS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/142.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.1 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
)
ROBOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "TelegramBot (like TwitterBot)",
    f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36",
    "python-requests/2.32.3",
    "curl/8.5.0",
)
_NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.")


@dataclass(frozen=True, slots=True)
class DemoVisitor:
    ip: str
    country: str
    device: str
    user_agent: str
    referrer: str
    # In the order of the click's columns: aff_click_id, source, sub1 to sub10.
    labels: tuple[str, ...]
    cookie: UUID
    is_bot: bool


class Crowd:
    """The people who may come through a link."""

    def __init__(self, rng: Random, partner: Partner, link: LinkSpec) -> None:
        self._rng, self._channel = rng, link.channel
        self._countries = tuple(partner.audience)
        self._weights = tuple(accumulate(partner.audience.values()))
        self._referrers = tuple(text.format(site=partner.website) for text in link.channel.referrers)

    def visitor_of_crowd(self) -> DemoVisitor:
        rng = self._rng
        is_bot = rng.random() < self._channel.bots
        country = rng.choices(self._countries, cum_weights=self._weights)[0]
        device, user_agent = self._device(is_bot)
        return DemoVisitor(
            ip=address(rng, country),
            country=country,
            device=device,
            user_agent=user_agent,
            referrer="" if is_bot else rng.choice(self._referrers),
            labels=self._labels(),
            cookie=UUID(int=rng.getrandbits(128), version=4),
            is_bot=is_bot,
        )

    def _device(self, is_bot: bool) -> tuple[str, str]:
        rng = self._rng
        if is_bot:
            return "", rng.choice(ROBOTS)
        if rng.random() < self._channel.mobile:
            return "phone", rng.choice(PHONES)
        return ("tablet", rng.choice(TABLETS)) if rng.random() < 0.09 else ("desktop", rng.choice(DESKTOPS))

    def _labels(self) -> tuple[str, ...]:
        rng, channel = self._rng, self._channel
        tracked = f"{rng.getrandbits(96):024x}" if channel.tracker else ""
        subs = [rng.choice(values) for values in channel.labels]
        return (tracked, channel.source, *subs, *[""] * (10 - len(subs)))


def address(rng: Random, country: str) -> str:
    """An address of the documentation ranges; a country has its own network where there is room (IPv6)."""
    if rng.random() < 0.45:
        return (
            f"2001:db8:{ord(country[0]):02x}{ord(country[1]):02x}:{rng.getrandbits(16):x}::{rng.randrange(1, 65536):x}"
        )
    return f"{rng.choice(_NETWORKS)}{rng.randrange(1, 255)}"
