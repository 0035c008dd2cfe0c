"""What holds for one platform holds for each: words for a status, test flags, and estimates that are settled."""

from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from conversions.dialects.dialect import Dialect
from conversions.dialects.table import DIALECTS
from conversions.models import Conversion
from tests.asgi_client import Standing, standing
from tests.conversions.sending import World
from tests.factories import AdvertiserSecretFactory, ClickFactory
from tracking.click_id import codec

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "aft_abcdefghijklmnopqrstuvwxyz"
WORDS = {
    "approved": ("approved", "APPROVED"),
    "pending": ("pending", "hold"),
    "rejected": ("rejected", "declined", "cancelled", "canceled", "trash"),
}
TESTS = ("test=1", "testmode=1", "is_test=true", "sandbox=yes", "livemode=false")


@pytest.fixture
def site() -> Iterator[Standing]:
    with standing() as application:
        yield application


def send(site: Standing, dialect: Dialect, click: str, amount: str, **more: str) -> None:
    """The platform's sample through the common address, with its own names in a form."""
    mapping = dialect.mapping
    values = {"click_id": click, "event_type": "purchase", "revenue": amount, "currency": "EUR"}
    if mapping.minor_units:
        values["revenue"] = str(int(Decimal(amount) * 100))
    body = {mapping.fields[ours][0]: value for ours, value in values.items() if ours in mapping.fields}
    query = urlencode({**body, **more})
    answer = site.request("GET", f"/d/{dialect.name}/{TOKEN}/postback", query=query.encode())
    assert answer.status == 200, (dialect.name, answer.body)


@pytest.fixture
def world() -> World:
    found = World()
    AdvertiserSecretFactory(advertiser=found.advertiser, text=TOKEN)
    return found


def clicked(world: World) -> str:
    return codec.text_of(ClickFactory(link=world.ana_link).id)


def status_name(dialect: Dialect) -> str:
    return dialect.mapping.fields["status"][0]


def newest() -> Conversion:
    return Conversion.objects.latest("pk")


def test_the_usual_words_for_a_status_are_read(world: World, site: Standing, subtests: pytest.Subtests) -> None:
    for dialect in DIALECTS:
        for status, words in WORDS.items():
            for word in words:
                with subtests.test(f"{dialect.name}: {word}"):
                    send(site, dialect, clicked(world), "10.00", **{status_name(dialect): word})
                    assert newest().status == status


def test_an_estimate_is_settled_by_the_approval(world: World, site: Standing, subtests: pytest.Subtests) -> None:
    for dialect in DIALECTS:
        with subtests.test(dialect.name):
            click = clicked(world)
            send(site, dialect, click, "0.00", **{status_name(dialect): "pending"})
            send(site, dialect, click, "120.50", **{status_name(dialect): "approved"})
            assert (newest().status, newest().revenue) == ("approved", Decimal("120.50"))


def test_a_test_is_never_paid(world: World, site: Standing, subtests: pytest.Subtests) -> None:
    for dialect in DIALECTS:
        for flag in TESTS:
            with subtests.test(f"{dialect.name}: {flag}"):
                name, _, value = flag.partition("=")
                send(site, dialect, clicked(world), "10.00", **{name: value})
                assert newest().is_test
