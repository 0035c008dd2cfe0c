from urllib.parse import quote_from_bytes, urlsplit

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affiliates.models import Affiliate, Enrollment, Offer
from tests.asgi_client import BROWSER, visit
from tests.examples import examples
from tests.factories import TrackingLinkFactory
from tests.tracking.capture.test_capture import connect
from tracking.capture import spool
from tracking.capture.click_writer import drain
from tracking.click_id import codec
from tracking.models import Click

pytestmark = pytest.mark.django_db(transaction=True)
DESTINATION = "https://casino.example/?cid={click_id}&s={sub1}&a={affiliate_id}&l={link_code}"


@pytest.fixture
def link():
    return TrackingLinkFactory(code="ana-casino", enrollment__offer__destination_url=DESTINATION)


def click(**params):
    return visit(lambda client: client.get("/c/ana-casino", params))


def test_a_click_is_stored_before_the_visitor_is_sent_on(link):
    answer = click(sub1="news letter", sub10="x", aff_click_id="t-1", source="mail")
    assert answer.status == 302
    assert answer.headers["cache-control"].startswith("no-store")
    stored = Click.objects.get()
    assert answer.query == {
        "cid": codec.text_of(stored.id),
        "s": "news letter",
        "a": link.enrollment.affiliate.public_id,
        "l": "ana-casino",
    }
    assert (stored.link, stored.sub1, stored.sub10, stored.aff_click_id) == (link, "news letter", "x", "t-1")
    assert (stored.ip, stored.user_agent, stored.source) == ("203.0.113.9", BROWSER, "mail")
    made = codec.parse(answer.query["cid"])
    assert made.link_number == link.pk
    assert made.made_at == stored.clicked_at


def test_awkward_values_are_stored_as_they_were_sent(link):
    awkward = "a\\tb\\N\\. 100 % «é» 🎲 'quote\" \\"
    click(sub1=awkward, sub2="line\nbreak\ttab\x00nul\x7f", sub3="x" * 400, aff_click_id="x" * 512)
    stored = Click.objects.get()
    assert stored.sub1 == awkward
    assert stored.sub2 == "linebreaktabnul"
    assert stored.sub3 == "x" * 255
    assert stored.aff_click_id == "x" * 512


def test_an_id_of_the_affiliates_tracker_is_stored_whole_or_not_at_all(link):
    click(aff_click_id="x" * 513, sub1="mail")
    assert Click.objects.values_list("aff_click_id", "sub1").get() == ("", "mail")


@pytest.mark.parametrize(("address", "kept"), [("203.0.113.9", "203.0.113.0"), ("2001:db8:1:2::3", "2001:db8:1::")])
def test_addresses_are_cut_to_networks_where_that_is_asked_for(link, settings, address, kept):
    settings.CLICK_IP_TRUNCATE = True
    visit(lambda client: client.get("/c/ana-casino", client=address))
    assert Click.objects.get().ip == kept


def test_code_is_found_in_any_case(link):
    assert visit(lambda client: client.get("/c/ANA-Casino")).status == 302


@pytest.mark.parametrize("path", ["/c/nosuch", "/c/", "/c/" + "x" * 500, "/c/é", "/c/ana-casino/x"])
def test_unknown_code_is_a_404_page(link, path):
    answer = visit(lambda client: client.get(path))
    assert answer.status == 404
    assert b"Link not found" in answer.body
    assert not Click.objects.exists()


def close_affiliate(link):
    Affiliate.objects.update(status=Affiliate.Status.SUSPENDED)


def close_offer(link):
    Offer.objects.update(status=Offer.Status.PAUSED)


def close_enrollment(link):
    Enrollment.objects.update(status=Enrollment.Status.BLOCKED)


def close_link(link):
    type(link).objects.update(is_active=False)


@pytest.mark.parametrize("close", [close_affiliate, close_offer, close_enrollment, close_link])
def test_a_closed_link_is_gone_or_leads_to_the_fallback(link, close):
    close(link)
    assert click().status == 410
    Offer.objects.update(fallback_url="https://casino.example/closed")
    answer = click()
    assert (answer.status, answer.location) == (302, "https://casino.example/closed")
    assert not Click.objects.exists()


def test_head_is_answered_and_not_counted(link):
    answer = visit(lambda client: client.request("HEAD", "/c/ana-casino"))
    assert answer.status == 302
    assert not Click.objects.exists()


def test_other_methods_are_refused(link):
    answer = visit(lambda client: client.request("POST", "/c/ana-casino"))
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_deep_link_is_followed_to_allowed_hosts_only(link):
    assert click(url="https://casino.example/slots?x=1").location.startswith("https://casino.example/slots?x=1&cid=")
    assert urlsplit(click(url="https://evil.example/").location).path == "/"
    assert Click.objects.count() == 2


def test_visitor_cookie_stays_and_last_click_is_kept_for_the_pixel(link):
    async def story(client):
        first = await client.get("/c/ana-casino")
        cookie = first.cookies[0].partition(";")[0]
        second = await client.get("/c/ana-casino", headers={"cookie": f"other=1; {cookie}; broken"})
        return first, second

    first, second = visit(story)
    assert first.cookies[0] == second.cookies[0]
    advertiser = link.enrollment.offer.advertiser.public_id
    assert second.cookies[1].startswith(f"aff_click_{advertiser}={second.query['cid']};")
    assert "Secure" not in second.cookies[1]
    assert len({row.visitor for row in Click.objects.all()}) == 1


def test_cookies_are_for_third_party_pages_over_https(link, settings):
    settings.REQUIRE_HTTPS = True
    assert all("Secure; SameSite=None" in cookie for cookie in click().cookies)


@pytest.mark.hypothesis
def test_fuzzed_queries_never_fail_and_never_leave_the_host(link):
    @given(
        st.lists(
            st.tuples(st.sampled_from(["sub1", "url", "sub2", "aff_click_id", "x"]), st.binary(max_size=60)), max_size=8
        )
    )
    @settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def fuzz(pairs):
        query = b"&".join(name.encode() + b"=" + quote_from_bytes(value).encode() for name, value in pairs)
        answer = visit(lambda client: client.get("/c/ana-casino", query=query))
        assert answer.status == 302
        assert urlsplit(answer.location).hostname == "casino.example"
        assert answer.location.isascii()
        assert answer.location.isprintable()

    fuzz()


@pytest.mark.parametrize("query", [b"&" * 5000, b"a=1&" * 500, b"%", b"%zz=%zz", b"sub1=%ff%fe", b"=", b"\xff\xfe"])
def test_malformed_queries_still_count_the_click(link, query):
    assert visit(lambda client: client.get("/c/ana-casino", query=query)).status == 302
    assert Click.objects.count() == 1


def test_a_database_that_refuses_clicks_stops_no_visitor(link, monkeypatch):
    """The click goes to the spool, and from there into the database when that takes clicks again."""
    monkeypatch.setattr("tracking.capture.clicks.COPY_CLICKS", "COPY no_such_table FROM STDIN")
    monkeypatch.setattr("tracking.capture.click_writer.drain", lambda *arguments: 0)  # it would be too quick to be seen
    assert click(sub1="spooled").status == 302
    assert not Click.objects.exists()
    assert spool.state(django_settings.SPOOL_DIR).segments == 1
    drain(django_settings.SPOOL_DIR, connect)
    assert Click.objects.get().sub1 == "spooled"


def test_when_disk_and_database_are_gone_the_visitor_still_goes_on(link, monkeypatch, caplog):
    monkeypatch.setattr("tracking.capture.clicks.COPY_CLICKS", "COPY no_such_table FROM STDIN")
    monkeypatch.setattr("tracking.capture.spool.os.fdatasync", full_disk)
    answer = click(sub1="in the log")
    assert answer.status == 302
    assert codec.parse(answer.query["cid"]).link_number == link.pk
    assert "in the log" in caplog.text


def full_disk(descriptor):
    raise OSError(28, "No space left on device")
