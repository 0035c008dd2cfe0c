"""Links: making them, where they may lead, the address builder, and what each brought."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
import segno
from django.http import HttpResponse
from pytest_django.fixtures import Settings

from affiliates.models import Affiliate, TrackingDomain
from conversions.models import Conversion
from dashboard.portal.qr_code import WIDTH
from payouts.ledger.booking import book_changes
from tests.dashboard.portal_pages import World, main_rows, rows_of, signed_in, words, world_of
from tests.factories import EnrollmentFactory, TrackingLinkFactory
from tracking.models import TrackingLink


@pytest.fixture
def world(ana: Affiliate, settings: Settings) -> World:
    settings.PUBLIC_URL = "https://go.example"
    return world_of(ana, deep_link_hosts=["casino.example", "*.casino.example"])


def make(world: World, **data: str) -> HttpResponse:
    given = {"enrollment": str(world.enrollment.pk), "name": "New one", "destination_url": "", **data}
    return signed_in(world.affiliate).post("/links/new/", given)


def test_makes_a_link_that_works_at_once(world: World) -> None:
    response = make(world)

    link = TrackingLink.objects.get(name="New one")
    assert (link.enrollment, link.is_active) == (world.enrollment, True)
    assert response["Location"] == f"/link/{link.code}/"


def test_an_affiliate_chooses_the_code_of_a_new_link(world: World) -> None:
    response = make(world, code=" Spring-Sale_26 ")

    assert TrackingLink.objects.get(name="New one").code == "spring-sale_26"
    assert response["Location"] == "/link/spring-sale_26/"


def test_no_code_gives_a_random_one(world: World) -> None:
    make(world, code="")

    assert len(TrackingLink.objects.get(name="New one").code) == 7


@pytest.mark.parametrize("code", ["ab", "-abc", "a b c", "a/bc", "ümlaut", "x" * 41])
def test_refuses_a_code_that_an_address_cannot_have(world: World, code: str) -> None:
    response = make(world, code=code)

    assert response.status_code == 400
    assert set(response.context["form"].errors) == {"code"}
    assert TrackingLink.objects.count() == 1


def test_says_that_a_code_is_taken_by_whomever(world: World, ben: Affiliate) -> None:
    TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=ben), code="spring")

    response = make(world, code="SPRING")

    assert response.status_code == 400
    assert response.context["form"].errors == {"code": ["This code is taken. Choose another one."]}


def test_says_so_too_when_someone_was_a_moment_faster(
    world: World, ben: Affiliate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form found the code free; the database, which has the last word, no longer does."""
    monkeypatch.setattr(TrackingLink, "validate_unique", lambda self, exclude=None: None)
    monkeypatch.setattr(TrackingLink, "validate_constraints", lambda self, exclude=None: None)
    TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=ben), code="spring")

    response = make(world, code="spring")

    assert response.status_code == 400
    assert response.context["form"].errors == {"code": ["This code is taken. Choose another one."]}


def test_the_form_shows_the_address_that_the_code_ends(world: World) -> None:
    client = signed_in(world.affiliate)

    assert "https://go.example/c/" in words(client.get("/links/new/"))
    assert 'name="code"' not in client.get(f"/link/{world.link.code}/edit/").content.decode()


def test_leads_to_a_page_that_the_offer_allows(world: World) -> None:
    make(world, destination_url="https://www.casino.example/bonus?x=1")

    assert TrackingLink.objects.get(name="New one").destination_url == "https://www.casino.example/bonus?x=1"


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://evil.example/", "This offer only leads to casino.example, *.casino.example"),
        ("https://casino.example.evil.example/", "This offer only leads to"),
        ("https://casino.example@evil.example/", "The host must be fixed"),
        ("javascript:alert(1)", "Give a full address"),
        ("https://casino.example/a b", "plain characters"),
    ],
)
def test_refuses_other_destinations_and_says_which_are_possible(world: World, url: str, text: str) -> None:
    response = make(world, destination_url=url)

    assert response.status_code == 400
    assert text in words(response)
    assert not TrackingLink.objects.filter(name="New one").exists()


def test_an_offer_without_hosts_has_one_destination(ana: Affiliate) -> None:
    response = make(world_of(ana, deep_link_hosts=[]), destination_url="https://casino.example/")

    assert "one fixed destination" in words(response)


@pytest.mark.parametrize("status", ["pending", "rejected", "blocked"])
def test_links_are_made_for_approved_offers_only(world: World, status: str) -> None:
    other = EnrollmentFactory(affiliate=world.affiliate, status=status)

    assert make(world, enrollment=str(other.pk)).status_code == 400
    assert TrackingLink.objects.count() == 1


def test_links_are_not_made_for_a_rivals_enrollment(world: World, ben: Affiliate) -> None:
    assert make(world, enrollment=str(EnrollmentFactory(affiliate=ben).pk)).status_code == 400
    assert TrackingLink.objects.count() == 1


def test_a_missing_offer_is_named(world: World) -> None:
    assert "This field is required" in words(make(world, enrollment=""))


def test_says_what_to_do_first_without_an_offer(ana: Affiliate) -> None:
    client = signed_in(ana)

    assert "Apply for one" in words(client.get("/links/"))
    assert "Apply for one" in words(client.get("/links/new/"))


def test_changes_name_and_destination_but_never_offer_or_code(world: World) -> None:
    other = EnrollmentFactory(affiliate=world.affiliate)
    data = {"name": "Renamed", "destination_url": "https://casino.example/vip", "enrollment": str(other.pk)}
    data["code"] = "renamed"
    code = world.link.code

    signed_in(world.affiliate).post(f"/link/{world.link.code}/edit/", data)

    world.link.refresh_from_db()
    assert (world.link.name, world.link.destination_url) == ("Renamed", "https://casino.example/vip")
    assert (world.link.enrollment, world.link.code) == (world.enrollment, code)


def test_switches_a_link_off_and_on(world: World) -> None:
    client = signed_in(world.affiliate)

    for choice, state in (("no", False), ("yes", True)):
        client.post(f"/link/{world.link.code}/state/", {"active": choice})
        world.link.refresh_from_db()
        assert world.link.is_active is state


def test_counts_the_last_30_days(world: World) -> None:
    world.click()
    world.click(ago=timedelta(days=40))
    world.conversion()
    world.conversion(ago=timedelta(days=40))
    book_changes()

    (row,) = signed_in(world.affiliate).get("/links/").context["rows"]

    assert (row.figures.clicks, row.figures.conversions) == (1, 1)
    assert row.figures.commission == [("EUR", Decimal(120))]


def test_an_event_that_is_reported_late_counts_when_it_happened(world: World) -> None:
    conversion = world.conversion(ago=timedelta(days=40))
    Conversion.objects.filter(pk=conversion.pk).update(received_at=datetime.now(UTC))

    (row,) = signed_in(world.affiliate).get("/links/").context["rows"]

    assert row.figures.conversions == 0


def test_shows_the_full_address_to_copy(world: World) -> None:
    html = signed_in(world.affiliate).get("/links/").content.decode()

    assert f'data-copy="https://go.example/c/{world.link.code}"' in html


def test_links_stand_on_the_default_tracking_domain(world: World) -> None:
    TrackingDomain.objects.create(host="off.example")
    TrackingDomain.objects.create(host="click.brand.example", is_default=True)

    html = signed_in(world.affiliate).get("/links/").content.decode()

    assert f'data-copy="https://click.brand.example/c/{world.link.code}"' in html


def built(world: World, query: str) -> str:
    return str(signed_in(world.affiliate).get(f"/link/{world.link.code}/?{query}").context["builder"].address)


def test_builds_an_address_with_labels(world: World) -> None:
    address = built(world, "sub1=a+b%26c&sub5=%C3%A9&source=mail")

    assert address.startswith(f"https://go.example/c/{world.link.code}?")
    assert parse_qs(urlsplit(address).query) == {"sub1": ["a b&c"], "sub5": ["é"], "source": ["mail"]}


def test_leaves_the_trackers_own_macros_alone(world: World) -> None:
    assert built(world, "aff_click_id={clickid}").endswith("?aff_click_id={clickid}")
    assert built(world, "sub1=[zone]").endswith("?sub1=[zone]")


def test_the_builder_leaves_out_a_page_that_is_not_allowed(world: World) -> None:
    client = signed_in(world.affiliate)

    response = client.get(
        f"/link/{world.link.code}/?sub1=x&url=https://evil.example/",
        headers={"hx-request": "true", "hx-target": "built"},
    )

    assert "evil.example" not in response.context["builder"].address
    assert "This offer only leads to" in words(response)
    assert "<html" not in response.content.decode()


def test_the_page_of_a_link_shows_its_newest_clicks(world: World) -> None:
    world.click(sub1="header")
    TrackingLinkFactory(enrollment=world.enrollment, name="Other")

    response = signed_in(world.affiliate).get(f"/link/{world.link.code}/")

    assert [row.sub_ids for row in response.context["clicks"]] == [[("sub1", "header")]]


def modules_of_svg(address: str) -> bytes:
    """The picture that another call makes of the address: QR codes are as the standard says, so they are equal."""
    drawn = BytesIO()
    segno.make_qr(address, error="m").save(drawn, kind="svg", scale=WIDTH // 37, dark="#000", light="#fff")
    return drawn.getvalue()


def test_the_qr_code_of_a_link_holds_its_full_address(world: World) -> None:
    TrackingDomain.objects.create(host="click.brand.example", is_default=True)

    response = signed_in(world.affiliate).get(f"/link/{world.link.code}/qr.svg")

    assert response["Content-Type"] == "image/svg+xml"
    assert response.content == modules_of_svg(f"https://click.brand.example/c/{world.link.code}")


def test_the_page_of_a_link_shows_its_qr_code_and_offers_it_in_two_formats(world: World) -> None:
    client = signed_in(world.affiliate)

    html = client.get(f"/link/{world.link.code}/").content.decode()

    assert f'<img src="/link/{world.link.code}/qr.svg"' in html
    assert f'href="/link/{world.link.code}/qr.png"' in html
    assert client.get(f"/link/{world.link.code}/qr.png").content.startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=front", ["Front page"]),
        ("state=off", ["Off one"]),
        ("state=active", ["Front page"]),
        ("sort=name", ["Front page", "Off one"]),
        ("sort=-name", ["Off one", "Front page"]),
        ("q=zzz", []),
    ],
)
def test_filters_and_sorts(world: World, query: str, names: list[str]) -> None:
    TrackingLinkFactory(enrollment=world.enrollment, name="Off one", is_active=False)

    rows = signed_in(world.affiliate).get(f"/links/?{query}").context["rows"]

    assert [row.link.name for row in rows] == names


def test_filters_by_offer(world: World) -> None:
    other = world_of(world.affiliate)

    rows = signed_in(world.affiliate).get(f"/links/?offer={other.offer.public_id}").context["rows"]

    assert [row.link for row in rows] == [other.link]


def test_answers_htmx_with_the_rows_alone(world: World) -> None:
    client = signed_in(world.affiliate)

    response = client.get("/links/", headers={"hx-request": "true", "hx-target": "listing"})

    assert "<html" not in response.content.decode()
    assert main_rows(response) == 1
    assert "HX-Request" in response["Vary"]


def test_pages_through_many(world: World) -> None:
    TrackingLinkFactory.create_batch(50, enrollment=world.enrollment)
    client = signed_in(world.affiliate)

    assert main_rows(client.get("/links/")) == 50
    assert main_rows(client.get("/links/?page=2")) == 1
    assert main_rows(client.get("/links/?page=99")) == 1


def test_exports_what_is_filtered(world: World) -> None:
    TrackingLinkFactory(enrollment=world.enrollment, name="=HYPERLINK(1)")
    client = signed_in(world.affiliate)

    assert [row["name"] for row in rows_of(client.get("/links/export/?q=HYPER"))] == ["'=HYPERLINK(1)"]
    assert len(rows_of(client.get("/links/export/"))) == 2
