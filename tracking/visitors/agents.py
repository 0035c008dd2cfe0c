"""What a user agent reveals: the class of device, the operating system, the browser, and whether it is a bot.

Three sources identify bots, the cheapest first: the shape of the text (rules below), the list of crawlers of the
package `crawlerdetect`, and the devices that `ua-parser` calls spiders. Answers are cached for the agents seen last, as
few different ones make most of the clicks.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import ua_parser
from crawlerdetect.providers.crawlers import data as crawlers
from crawlerdetect.providers.exclusions import data as no_crawlers

# A browser names its machine; a program that names none is a robot, or hides that it is one.
_MACHINE = re.compile(
    r"windows|win(?:9\d|nt|ce)|mac[ _]?os|macintosh|darwin|linux|android|\badr\b|x11|iphone|ipad|ipod|\bcros\b|fuchsia|"
    r"symb|series ?\d0|nokia|blackberry|bb10|playbook|midp|j2me|\bbrew\b|\bwap|ucweb|ucbrowser|up\.browser|obigo|"
    r"web[o0]s|tizen|bada|kaios|meego|maemo|sailfish|harmony|smart-?tv|hbbtv|\bdtv\b|viera|playstation|nintendo|xbox|"
    r"bsd|sunos|solaris|hp-?ux|\baix\b|irix|os/2|beos|haiku|amiga|risc ?os|openvms"
)
# How robots and their owners describe themselves: their trade, an address for questions.
_ROBOT = re.compile(
    r"bot\b|bot[/_-]|robot|crawl|spider(?! ?\d)|slurp|scrap(?:er|ing)|preview|fetch(?:er|ing)?\b|monitor|"
    r"scann(?:er|ing)|checker|validator|archiver|synthetic|headless|phantomjs|selenium|puppeteer|playwright|webdriver|"
    r"lighthouse|barracuda|https?:|www\.|@[\w-]+\.[a-z]|\[at\]"
)
# Since Internet Explorer and Konqueror are gone, "compatible" is used by robots only.
_COMPATIBLE = re.compile(r"gecko; compatible|\(compatible[;)](?! ?(?:msie|konqueror|.*(?:trident|windows|x11)))")
# HTTP libraries, wherever they run.
_LIBRARY = re.compile(r"^[\"']?(?:curl|wget|python|java|go-http|okhttp|axios|node|ruby|perl|php|libwww|dart|apache-)")

_TV = re.compile(
    r"smart-?tv|hbbtv|\btv\b|tv;|[a-z]tv[/ ;)]|google ?tv|appletv|web0s|netcast|viera|bravia|aquos|\bdtv|roku|crkey|"
    r"\baft[a-z]{1,4}\b|android tv|settop|set-top|playstation|nintendo|xbox"
)
_TABLET = re.compile(
    r"ipad|tablet|playbook|kindle|silk/|\bkf[a-z]{3,5}\b|\bsm-[tx]\d|\btb-?\w*\d|xoom|nexus (?:7|9|10)\b|"
    r"(?:android|\badr\b).*(?:tab|pad)"
)
_PHONE = re.compile(
    r"mobi|iphone|ipod|phone|dalvik|blackberry|bb10|midp|nokia|symb|series ?60|\bwap|ucweb|j2me|up\.browser|obigo|kaios"
)
_ANDROID = re.compile(r"android|\badr\b")

# Browsers inside Facebook, Instagram, Threads, TikTok, Snapchat, LINE, WeChat, Pinterest, X, LinkedIn, Telegram, the
# app of Google and others; `; wv)` is Android's view for apps, and on iOS a view leaves Safari's name out.
_IN_APP = re.compile(
    r"fban/|fbav/|fb_iab|fbios|instagram|barcelona|musical_ly|bytedance|tiktok|trill_|snapchat|\bline/|micromessenger|"
    r"pinterest/|\[pinterest|twitter for|linkedinapp|telegram|\bgsa/|kakaotalk|naver\(|; wv\)|whatsapp/|vkclient|viber|"
    r"discord/|reddit/"
)
_IOS_VIEW = re.compile(r"(?:iphone|ipad|ipod).*applewebkit(?!.*(?:safari|crios|fxios|edgios|opios|opt/))")

_SYSTEMS = {"Mac OS X": "macOS", "Chrome OS": "ChromeOS", "Other": ""}
_LINUX = {
    "Ubuntu",
    "Debian",
    "Fedora",
    "Red Hat",
    "CentOS",
    "SUSE",
    "openSUSE",
    "Gentoo",
    "Arch Linux",
    "Mandriva",
    "Linux Mint",
}


@dataclass(frozen=True, slots=True)
class Agent:
    """`device` is desktop, phone, tablet, tv or bot. A text is empty if it is not known."""

    device: str = ""
    os: str = ""
    browser: str = ""
    is_bot: bool = False
    # A browser inside another app, where systems open no apps for addresses.
    is_in_app: bool = False


UNKNOWN = Agent()


@lru_cache(maxsize=20_000)
def describe(user_agent: str) -> Agent:
    """Describe a user agent; an empty one is a bot's."""
    found = ua_parser.parse(user_agent).with_defaults()
    is_bot = _is_bot(user_agent, spider=found.device.family == "Spider")
    family = found.os.family
    return Agent(
        device="bot" if is_bot else device_of(user_agent),
        os="Linux" if family in _LINUX else _SYSTEMS.get(family, family)[:40],
        browser="" if found.user_agent.family == "Other" else found.user_agent.family[:40],
        is_bot=is_bot,
        is_in_app=is_in_app_browser(user_agent),
    )


def is_in_app_browser(user_agent: str) -> bool:
    lowered = user_agent.lower()
    return bool(_IN_APP.search(lowered) or _IOS_VIEW.search(lowered))


def is_listed_crawler(user_agent: str) -> bool:
    """Whether `crawlerdetect` lists it. Its own search is one long alternation, five times slower than this."""
    words, rest, ignored = _crawlers()
    text = ignored.sub("", user_agent.strip())
    lowered = text.lower()
    return any(map(lowered.__contains__, words)) or bool(rest.search(text))


def _is_bot(user_agent: str, *, spider: bool) -> bool:
    lowered = user_agent.lower()
    if spider or not _MACHINE.search(lowered) or _LIBRARY.search(lowered) or _COMPATIBLE.search(lowered):
        return True
    return bool(_ROBOT.search(_crawlers()[2].sub("", user_agent).lower())) or is_listed_crawler(user_agent)


def device_of(user_agent: str) -> str:
    """The class of device that a browser runs on. Android says "Mobile" on phones only."""
    lowered = user_agent.lower()
    if _TV.search(lowered):
        return "tv"
    if _TABLET.search(lowered):
        return "tablet"
    if _PHONE.search(lowered):
        return "phone"
    return "tablet" if _ANDROID.search(lowered) else "desktop"


@cache
def _crawlers() -> tuple[list[str], re.Pattern[str], re.Pattern[str]]:
    """The list's plain words, its patterns as one, and the browser texts that it leaves out for that."""
    plain = {entry: _plain(entry) for entry in crawlers}
    patterns = [entry for entry, word in plain.items() if word is None]
    return (
        [word for word in plain.values() if word],
        re.compile("|".join(patterns), re.IGNORECASE),
        re.compile("|".join(no_crawlers), re.IGNORECASE),
    )


def _plain(pattern: str) -> str | None:
    """The text that a pattern matches, in small letters, if it matches only one."""
    if re.search(r"(?<!\\)[\[\](){}^$.|?*+]|\\[a-zA-Z0-9]", pattern):
        return None
    return re.sub(r"\\(.)", r"\1", pattern).lower()
