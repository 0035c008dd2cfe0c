"""Who the client is, as proxies report it: the right end of their lists counts, as far as it can be trusted."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.examples import examples
from web import http
from web.forwarded import MOST_HOPS

PROXY, CLIENT = "10.0.0.1", "203.0.113.9"


@pytest.fixture(autouse=True)
def _proxies(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "2001:db8:ffff::/48"]
    settings.PROXY_HEADERS = "x-forwarded"


def scope(*lines, peer=PROXY, scheme="http", **headers):
    named = [(b"x-forwarded-for", line.encode()) for line in lines]
    named += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": (peer, 1) if peer else None, "scheme": scheme, "headers": named}


def standard(*lines, **kwargs):
    return {**scope(**kwargs), "headers": [(b"forwarded", line.encode()) for line in lines]}


@pytest.mark.parametrize(
    "lines",
    [
        ("1.2.3.4, 203.0.113.9",),
        ("1.2.3.4," * 125 + " 203.0.113.9",),
        ("1.2.3.4," * 8000 + " 203.0.113.9",),
        ("x" * 64_000 + ", 203.0.113.9",),
        ("1.2.3.4", "203.0.113.9"),
        ("1.2.3.4, 10.0.0.2", "203.0.113.9", "10.0.0.3, 10.0.0.4"),
        ("unknown, 203.0.113.9, 10.0.0.2",),
        ('"1.2.3.4, 203.0.113.9',),
        ("203.0.113.9:51234",),
        ("198.51.100.9, 203.0.113.9:51234",),
        ("[::ffff:203.0.113.9]:443",),
        ("::ffff:203.0.113.9",),
        ('"203.0.113.9"',),
        ("\t203.0.113.9 ",),
    ],
)
def test_the_client_is_found_from_the_right(lines):
    assert http.client_ip(scope(*lines)) == CLIENT


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ('"[2001:db8::7]:443"', "2001:db8::7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
    ],
)
def test_addresses_of_version_six_are_read_in_each_spelling(written, read):
    assert http.client_ip(scope(written)) == read


@pytest.mark.parametrize(
    "hop",
    [
        *("unknown", "", " ", "_hidden", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4:", "1.2.3.4:123456", "1.2.3.4:x"),
        *("[2001:db8::7", "2001:db8::7]", "[]:80", "[[::1]]", "\u0661.2.3.4", "1.2.3.4 5.6.7.8", "::g", "a" * 400),
    ],
)
def test_what_cannot_be_read_ends_the_walk_at_the_proxy_that_reported_it(hop):
    assert http.client_ip(scope(f"198.51.100.9, {hop}")) == PROXY
    assert http.client_ip(scope("198.51.100.9", hop, "10.0.0.2")) == "10.0.0.2"


def test_a_stranger_is_believed_nothing_and_no_proxy_no_one(settings):
    assert http.client_ip(scope("1.2.3.4", peer="203.0.113.5")) == "203.0.113.5"
    assert not http.is_secure(scope("1.2.3.4", peer="203.0.113.5", x_forwarded_proto="https"))
    assert http.client_ip(scope("1.2.3.4", peer=None)) is None
    settings.TRUSTED_PROXIES = []
    assert http.client_ip(scope("1.2.3.4")) == PROXY
    assert http.client_ip(scope("1.2.3.4", peer="::ffff:198.51.100.1")) == "198.51.100.1"


def test_a_chain_without_end_is_none_of_ours():
    assert http.client_ip(scope("203.0.113.9," + "10.0.0.2," * MOST_HOPS + "10.0.0.3")) == "10.0.0.2"


trusted = st.sampled_from(["10.0.0.2", "10.1.2.3:80", "[2001:db8:ffff::1]:8080"])
invention = st.one_of(
    st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40),
    st.sampled_from(["1.2.3.4", "10.0.0.9", '"', "\\", ",", ', "', "for=1.2.3.4", "unknown", ";", "x" * 5000]),
)


@hypothesis_settings(max_examples=examples(400), deadline=None, derandomize=True)
@given(
    st.lists(invention, max_size=6), st.lists(trusted, max_size=3), st.lists(st.booleans(), min_size=12, max_size=12)
)
def test_nothing_that_a_client_writes_changes_its_address(invented, proxies, parted):
    """The client's own text stands first; the proxies append, on the same line or on one of their own."""
    lines = [*invented]
    for hop, is_own_line in zip([CLIENT, *proxies], parted, strict=False):
        if is_own_line or not lines:
            lines.append(hop)
        else:
            lines[-1] = f"{lines[-1]}, {hop}"
    assert http.client_ip({**scope(), "headers": [(b"x-forwarded-for", x.encode("latin-1")) for x in lines]}) == CLIENT


@hypothesis_settings(max_examples=examples(400), deadline=None, derandomize=True)
@given(
    st.lists(invention, max_size=6), st.lists(trusted, max_size=3), st.lists(st.booleans(), min_size=12, max_size=12)
)
def test_nothing_that_a_client_writes_changes_its_address_in_the_standard_header(invented, proxies, parted):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.PROXY_HEADERS", "forwarded")
        lines = [*invented]
        for hop, is_own_line in zip([CLIENT, *proxies], parted, strict=False):
            element = f'for="{hop}";proto=https;by=_us'
            if is_own_line or not lines:
                lines.append(element)
            else:
                lines[-1] = f"{lines[-1]}, {element}"
        sent = {**scope(), "headers": [(b"forwarded", line.encode("latin-1")) for line in lines]}
        assert http.client_ip(sent) == CLIENT
        assert http.is_secure(sent)


@given(st.text(st.characters(codec="latin-1"), max_size=200), st.sampled_from(["x-forwarded", "forwarded"]))
def test_no_header_raises(text, kind):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.PROXY_HEADERS", kind)
        for name in (b"x-forwarded-for", b"x-forwarded-proto", b"forwarded"):
            sent = {**scope(), "headers": [(name, text.encode("latin-1"))]}
            assert http.client_ip(sent)
            assert http.is_secure(sent) in (True, False)


@pytest.mark.parametrize(
    ("addresses", "protocols", "is_https"),
    [
        ([], ["https"], True),
        ([], ["HTTPS "], True),
        ([], ["https,http"], True),  # The first is the visitor's own connection.
        ([], ["http"], False),
        ([], [], False),
        ([], ["httpsx"], False),
        ([CLIENT], ["https"], True),
        ([CLIENT], ["https, http"], False),  # The client wrote the first one.
        ([CLIENT], ["https", "http"], False),
        ([f"{CLIENT}, 10.0.0.2"], ["https, http"], True),
        ([f"{CLIENT}, 10.0.0.2"], ["https", "http"], True),
        ([f"{CLIENT}, 10.0.0.2"], ["https"], True),  # The outer proxy wrote it, the inner one passed it on.
        ([f"1.2.3.4, {CLIENT}, 10.0.0.2"], ["https, http, http"], False),
        (["unknown"], ["https, http"], False),
    ],
)
def test_the_protocol_is_that_of_the_clients_own_connection(addresses, protocols, is_https):
    headers = [(b"x-forwarded-for", each.encode()) for each in addresses]
    headers += [(b"x-forwarded-proto", each.encode()) for each in protocols]
    assert http.is_secure({**scope(), "headers": headers}) is is_https


@pytest.mark.parametrize(
    ("lines", "address", "is_https"),
    [
        (["for=203.0.113.9;proto=https"], CLIENT, True),
        (["For=203.0.113.9; PROTO=HTTPS ;by=10.0.0.1"], CLIENT, True),
        (["for=1.2.3.4;proto=https, for=203.0.113.9;proto=http"], CLIENT, False),
        (["for=1.2.3.4", 'for="203.0.113.9:4711";proto=https'], CLIENT, True),
        (['for="[2001:db8:cafe::17]:4711"'], "2001:db8:cafe::17", False),
        (['for=203.0.113.9;host="a,b;for=1.2.3.4";proto="https"'], CLIENT, True),
        (['for=203.0.113.9;host="a\\"b, c";proto=https'], CLIENT, True),
        (["for=203.0.113.9;proto=https, for=10.0.0.2;proto=http"], CLIENT, True),
        (['for="1.2.3.4, for=203.0.113.9;proto=https'], CLIENT, True),
        (["for=1.2.3.4, for=_hidden;proto=https"], PROXY, True),
        (["for=1.2.3.4, for=unknown"], PROXY, False),
        (["for=1.2.3.4, proto=https"], PROXY, True),
        (["for=1.2.3.4, for=203.0.113.9;for=1.2.3.4"], PROXY, False),
        (["for=1.2.3.4, 203.0.113.9"], PROXY, False),
        (["for=1.2.3.4, "], PROXY, False),
        ([], PROXY, False),
    ],
)
def test_the_standard_header_is_read_as_its_rfc_says(settings, lines, address, is_https):
    settings.PROXY_HEADERS = "forwarded"
    sent = standard(*lines)
    assert (http.client_ip(sent), http.is_secure(sent)) == (address, is_https)


def test_only_one_kind_of_header_is_ever_read(settings):
    both = scope("203.0.113.9", x_forwarded_proto="https", forwarded="for=198.51.100.1;proto=http")
    assert (http.client_ip(both), http.is_secure(both)) == (CLIENT, True)
    settings.PROXY_HEADERS = "forwarded"
    assert (http.client_ip(both), http.is_secure(both)) == ("198.51.100.1", False)
