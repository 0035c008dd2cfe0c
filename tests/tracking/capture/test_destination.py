from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from records.addresses import validate_destination
from tracking.capture.destination import compile_template, deep_link, deep_template, render, with_parameters

HOSTS = ["shop.example", "*.shop.example"]


def filled(url, **values):
    return render(compile_template(url), values)


def test_macros_are_filled_in_and_encoded():
    url = "https://shop.example/{offer_id}?c={click_id}&s={sub1}&empty={sub2}"
    assert filled(url, click_id="abc", sub1="a b&c=d/é", offer_id="of_1") == (
        "https://shop.example/of_1?c=abc&s=a%20b%26c%3Dd%2F%C3%A9&empty="
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://shop.example", "https://shop.example?click_id=X"),
        ("https://shop.example/?a=1", "https://shop.example/?a=1&click_id=X"),
        ("https://shop.example/p#top", "https://shop.example/p?click_id=X#top"),
        ("https://shop.example/p?a=1#top?b=2", "https://shop.example/p?a=1&click_id=X#top?b=2"),
    ],
)
def test_click_id_is_added_where_the_destination_does_not_ask_for_it(url, expected):
    assert filled(url, click_id="X") == expected


@given(st.text(max_size=80))
def test_no_value_can_add_a_line_or_a_parameter(value):
    address = filled("https://shop.example/?s={sub1}&c={click_id}", sub1=value, click_id="X")
    assert address.isascii()
    assert address.isprintable()
    assert " " not in address
    assert urlsplit(address).hostname == "shop.example"
    assert urlsplit(address).query.count("&") == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://shop.example.evil.example/",
        "https://shop.example@evil.example/",
        "https://evil.example\\@shop.example/",
        "https://evil.example#@shop.example/",
        "//evil.example/",
        "javascript:alert(1)//shop.example",
        "data:text/html,x",
        "https:///shop.example",
        "https://shop.example:notaport/",
        "https://notshop.example/",
        "https://shop.example\r\nSet-Cookie: a=b",
        "https://\u0455hop.example/",
        "https://[::1/",
        "",
    ],
)
def test_a_deep_link_elsewhere_is_not_followed(url):
    assert deep_link(url, HOSTS) is None
    assert deep_template(url, HOSTS) is None


@pytest.mark.parametrize(
    "url", ["https://shop.example/a?b=c", "http://www.shop.example/", "https://SHOP.example:8443/x"]
)
def test_a_deep_link_to_an_allowed_host_is_followed(url):
    assert deep_link(url, HOSTS) == url


def test_a_deep_link_is_no_template_but_gets_the_click_id():
    template = deep_template("https://shop.example/{affiliate_id}", HOSTS)
    assert render(template, {"affiliate_id": "secret", "click_id": "X"}) == (
        "https://shop.example/%7Baffiliate_id%7D?click_id=X"
    )


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_whatever_is_put_behind_url_the_host_stays_allowed(text):
    for url in (text, "https://" + text, "https://shop.example" + text, "https:" + text):
        allowed = deep_link(url, HOSTS)
        if allowed is not None:
            host = urlsplit(allowed).hostname
            assert host == "shop.example" or host.endswith(".shop.example")
            assert allowed.isascii()
            assert allowed.isprintable()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("shop.example", "https://"),
        ("ftp://shop.example", "https://"),
        ("https://{sub1}.example/", "host must be fixed"),
        ("https://user@shop.example/", "host must be fixed"),
        ("https://shop.example/a b", "encode"),
        ("https://shop.example/é", "encode"),
        ("https://shop.example/?x={nosuch}", "Unknown macro {nosuch}"),
    ],
)
def test_a_destination_that_cannot_work_is_refused_when_saved(url, says):
    with pytest.raises(ValidationError, match=says):
        validate_destination(url)


def test_passed_parameters_are_added_encoded_and_change_nothing_that_is_there():
    added = with_parameters("https://shop.example/p?a=1#top", {"a": "2", "utm_source": "x y&z", "c": ""}.items())
    assert added == "https://shop.example/p?a=1&utm_source=x%20y%26z&c=#top"
    assert with_parameters("https://shop.example/", {"b": "1"}.items()) == "https://shop.example/?b=1"
    assert with_parameters("https://shop.example/p#top", ()) == "https://shop.example/p#top"
