"""Bots and devices, by lists of real user agents that the detection was not built from."""

import json
from importlib.resources import files

import pytest
import yaml
from crawlerdetect import CrawlerDetect
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from hypothesis import given
from hypothesis import strategies as st

from tracking.marks import is_bot_agent
from tracking.visitors.agents import describe, device_of, is_listed_crawler

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 "
    "Mobile/15E148 Safari/604.1"
)
PIXEL = (
    "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile "
    "Safari/537.36"
)


def of_matomo(name):
    """Agents from the tests of Matomo's device detector, each with what is known of it."""
    text = files("device_detector").joinpath(f"tests/fixtures/upstream/{name}.yml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.CSafeLoader)  # noqa: S506


def browsers_of_matomo(*names):
    known = [each for name in names for each in of_matomo(name)]
    return [each["user_agent"] for each in known if (each.get("client") or {}).get("type") == "browser"]


def crawlers_of_monperrus():
    return {agent for each in CRAWLER_USER_AGENTS_DATA for agent in each.get("instances", [])}


def crawlers_of_matomo():
    return {each["user_agent"] for each in of_matomo("bots")}


def browsers_in_use():
    lines = files("fake_useragent").joinpath("data/browsers.jsonl").read_text(encoding="utf-8").splitlines()
    return {json.loads(line)["useragent"] for line in lines}


def browsers_of_all_kinds():
    """Every fifth file of the list: those of 34,000 browsers, many of them curious, take a while to read."""
    folder = files("device_detector").joinpath("tests/fixtures/upstream")
    kinds = ("desktop", "smartphone", "phablet", "tablet", "tv")
    names = sorted(name for each in folder.iterdir() if (name := each.name.removesuffix(".yml")).startswith(kinds))
    return set(browsers_of_matomo(*names[::5]))


def share(agents, is_hit):
    return sum(1 for agent in agents if is_hit(agent)) / len(agents)


@pytest.mark.parametrize("crawlers", [crawlers_of_monperrus, crawlers_of_matomo])
def test_crawlers_of_public_lists_are_recognised(crawlers):
    listed = crawlers()
    assert len(listed) > 1000
    assert share(listed, is_bot_agent) >= 0.95


@pytest.mark.parametrize(("browsers", "least"), [(browsers_in_use, 500), (browsers_of_all_kinds, 5000)])
def test_real_browsers_are_hardly_ever_taken_for_bots(browsers, least):
    listed = browsers()
    assert len(listed) > least
    assert share(listed, is_bot_agent) < 0.01


def test_the_quick_search_finds_what_the_package_itself_finds():
    """The list is searched here in another way than by the package; a new release must not change what is found."""
    package = CrawlerDetect()
    for agent in [*crawlers_of_monperrus(), *browsers_in_use(), ""]:
        assert is_listed_crawler(agent) == package.is_crawler(agent), agent


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "   ",
        "-",
        "curl/8.5.0",
        "Wget/1.21.4 (linux-gnu)",
        "python-requests/2.32.3",
        "Go-http-client/2.0",
        "okhttp/4.12.0",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
        CHROME.replace(" Safari", " SomethingPreview/1.0 Safari"),
        f"{CHROME} (uptime monitor; https://monitor.example)",
        "Mozilla/5.0",
        "Mozilla/5.0 (compatible; an update tester)",
    ],
)
def test_programs_are_bots(agent):
    found = describe(agent)
    assert (found.is_bot, found.device) == (True, "bot")


@pytest.mark.parametrize(
    ("agent", "device", "os", "browser"),
    [
        (CHROME, "desktop", "Windows", "Chrome"),
        (IPHONE, "phone", "iOS", "Mobile Safari"),
        (PIXEL, "phone", "Android", "Chrome Mobile"),
        (PIXEL.replace(" Mobile", ""), "tablet", "Android", "Chrome"),
        (IPHONE.replace("iPhone;", "iPad;"), "tablet", "iOS", "Mobile Safari"),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "desktop",
            "Linux",
            "Firefox",
        ),
        (CHROME.replace("Windows NT 10.0; Win64; x64", "X11; CrOS x86_64 14541.0.0"), "desktop", "ChromeOS", "Chrome"),
        (
            CHROME.replace("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"),
            "desktop",
            "macOS",
            "Chrome",
        ),
        (CHROME.replace("Windows NT 10.0; Win64; x64", "SMART-TV; LINUX; Tizen 8.0"), "tv", "Tizen", "Chrome"),
    ],
)
def test_device_system_and_browser(agent, device, os, browser):
    found = describe(agent)
    assert (found.device, found.os, found.browser, found.is_bot) == (device, os, browser, False)


@pytest.mark.parametrize(
    ("names", "device", "least"),
    [
        (("desktop",), "desktop", 0.75),
        (("smartphone-12", "phablet-1"), "phone", 0.93),
        (("tablet-11",), "tablet", 0.75),
    ],
)
def test_devices_of_a_public_list(names, device, least):
    """Some tablets say that they are phones, and the list's desktops are in part Android on a notebook."""
    assert share(browsers_of_matomo(*names), lambda agent: device_of(agent) == device) >= least


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=500))
def test_any_text_gets_an_answer_that_fits_its_columns(agent):
    found = describe(agent)
    assert found.device in {"desktop", "phone", "tablet", "tv", "bot"}
    assert len(found.os) <= 40
    assert len(found.browser) <= 40
