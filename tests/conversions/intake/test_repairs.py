"""What HTML does to an address, repaired and reported; nothing that is meant is touched."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversions.intake import intake
from conversions.intake.read.repairs import repair
from conversions.models import Conversion, Trace
from tests.conversions.sending import NOW, World, received


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ([("revenue", "10.50¤cy=EUR")], [("revenue", "10.50"), ("currency", "EUR")]),
        ([("¤cy", "EUR")], [("currency", "EUR")]),
        (
            [("revenue", "10¤cy=EUR×tamp=1760000000"), ("txid", "a")],
            [("revenue", "10"), ("currency", "EUR"), ("timestamp", "1760000000"), ("txid", "a")],
        ),
        ([("amp;payout", "5"), ("amp;¤cy", "EUR")], [("payout", "5"), ("currency", "EUR")]),
    ],
)
def test_known_names_are_put_together_again(sent: list[tuple[str, str]], meant: list[tuple[str, str]]) -> None:
    repaired, output = repair(sent)
    assert repaired == meant
    assert output


@pytest.mark.parametrize(
    "sent", [[("coupon", "50¤")], [("txid", "a=b")], [("sub_id1", "Ж=1")], [("x", "¤cy")], [("company", "amp;co")]]
)
def test_what_may_be_meant_stays(sent: list[tuple[str, str]]) -> None:
    assert repair(sent) == (sent, [])


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=20)), max_size=5))
def test_undamaged_requests_stay_as_they_are(pairs: list[tuple[str, str]]) -> None:
    repaired, output = repair(pairs)
    assert output or repaired == pairs


@pytest.mark.django_db
def test_a_damaged_postback_is_counted_and_the_sender_warned() -> None:
    world = World()
    fields = {"click_id": world.click(), "event_type": "purchase", "txid": "1", "revenue": "10.50¤cy=USD"}
    [reported] = intake([received(fields)], now=NOW)
    assert reported.body["outcome"] == "accepted"
    [warning] = reported.body["warnings"]
    assert "¤cy= was read as &currency=" in warning
    conversion = Conversion.objects.get()
    assert (conversion.revenue, conversion.currency) == (Decimal("10.50"), "USD")
    assert any(step["result"] == "repaired" for step in Trace.objects.get().steps)
