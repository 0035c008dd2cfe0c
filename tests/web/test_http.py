from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web import http


def scope(client="10.0.0.1", scheme="http", **headers):
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": (client, 1) if client else None, "scheme": scheme, "headers": named}


def test_forwarded_header_of_a_stranger_is_not_believed(settings):
    settings.TRUSTED_PROXIES = []
    assert http.client_ip(scope("203.0.113.5", x_forwarded_for="198.51.100.1")) == "203.0.113.5"
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert http.client_ip(scope("203.0.113.5", x_forwarded_for="198.51.100.1")) == "203.0.113.5"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, 10.2.3.4", "198.51.100.1"),
        ("2001:db8::5", "2001:db8::5"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("nonsense", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_trusted_proxies_are_believed_as_far_as_they_vouch(settings, forwarded, expected):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert http.client_ip(scope(x_forwarded_for=forwarded)) == expected


def test_https_is_believed_from_a_trusted_proxy_only(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert http.is_secure(scope(x_forwarded_proto="https"))
    assert not http.is_secure(scope("203.0.113.5", x_forwarded_proto="https"))
    assert not http.is_secure(scope(None, x_forwarded_proto="https"))
    assert http.is_secure(scope(scheme="https"))


def test_control_characters_are_dropped_and_text_is_cut():
    assert http.clean("a\x00b\r\nc\td", 99) == "abcd"
    assert http.clean("héllo wörld", 7) == "héllo w"


def test_too_many_parameters_are_refused():
    with pytest.raises(http.TooManyFields):
        http.pairs(b"&".join(b"a=1" for _ in range(http.MAX_FIELDS + 1)))


def test_request_id_of_the_sender_is_kept_when_it_is_sane():
    assert http.request_id(scope(x_request_id="abc-123_X")) == "abc-123_X"
    assert http.request_id(scope(x_request_id="<script>")) != "<script>"
    assert len(http.request_id(scope())) == 24


@given(
    st.lists(
        st.text(st.sampled_from("ab=;&%+2 é\x00"), max_size=6)
        | st.sampled_from(["a=1", "a", "=", "a=b=c", "sub1=news", "x=%20", "x=a+b"]),
        max_size=8,
    )
)
def test_parameters_are_read_alike_on_the_short_way_and_the_long_one(parts):
    encoded = "&".join(parts).encode()
    assert http.pairs(encoded) == parse_qsl(encoded.decode(), keep_blank_values=True)


def test_a_cookie_is_found_among_others_and_over_several_headers():
    headers = [
        (b"cookie", b"theme=dark; aff_visitor=first ; aff_visitor=second"),
        (b"cookie", b"late=1; aff_visitor=x"),
    ]
    assert http.cookie({"headers": headers}, "aff_visitor") == "first"
    assert http.cookie({"headers": headers}, "late") == "1"
    assert http.cookie({"headers": headers}, "visitor") == ""
    assert http.cookie({"headers": []}, "aff_visitor") == ""
