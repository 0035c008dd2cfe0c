"""Every name that the table lists is read the same in every form; nothing that resembles a name is dropped unseen."""

import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conversions.dialects.mapping import NAMES
from conversions.dialects.other_names import ALSO_LABELS, READ_AS, TWO_FIELDS, squashed
from conversions.dialects.table import DIALECTS
from conversions.doctor.dry_run import read_alone
from conversions.intake import Received, intake
from conversions.intake.case import REPAIRED, Case
from conversions.models import Conversion, Postback
from tests.conversions.sending import NOW, World, received, send_all
from tracking.click_id import codec

CLICK = codec.new(link_number=1, at=NOW).text
# A value of each field, and where the parsed event has it.
SAMPLES: dict[str, tuple[str, str, Any]] = {
    "click_id": (CLICK, "click_text", CLICK),
    "txid": ("o-77", "transaction_id", "o-77"),
    "event_type": ("ftd", "goal_code", "ftd"),
    "payout": ("3.50", "payout", "3.50"),
    "revenue": ("12.50", "revenue", "12.50"),
    "currency": ("USD", "currency", "USD"),
    "status": ("approved", "status", "approved"),
    "timestamp": ("2026-10-15T11:00:00Z", "occurred_at", "2026-10-15 11:00:00+00:00"),
    "customer_id": ("c-9", "customer_id", "c-9"),
    "coupon": ("SAVE10", "coupon", "SAVE10"),
    "refund": ("2.50", "refund", "2.50"),
    "refund_id": ("r-1", "refund_id", "r-1"),
    "volume": ("4", "volume", "4"),
}
# What an event needs for the field under test to be its only change.
REST = {"click_id": CLICK, "txid": "o-1", "event_type": "purchase", "currency": "EUR"}
SPELLINGS = [(field, name) for field, names in READ_AS.items() for name in (*NAMES[field], *names.split())]


def read(fields: dict[str, str], **kwargs: Any) -> Case:
    request: Received = received({"token": None, **fields}, **kwargs)
    return read_alone(request)


def others_of(field: str) -> dict[str, str]:
    """A request without the field, with what it needs besides; a refund goes without a status."""
    return {name: value for name, value in REST.items() if name != field}


def words_of(case: Case) -> str:
    """All problems and warnings of the answer."""
    notes = [step["note"] for step in case.steps if step["result"] == REPAIRED]
    return " ".join([*notes, *(f"{problem.field} {problem.message}" for problem in case.problems)]).lower()


@pytest.mark.parametrize(("field", "name"), sorted(set(SPELLINGS)))
@pytest.mark.parametrize("written", [str, str.upper, str.title, lambda name: name.replace("_", "-"), "{}[]".format])
def test_a_listed_name_is_read_in_every_spelling(field: str, name: str, written: Any) -> None:
    value, attribute, wanted = SAMPLES[field]
    case = read({**others_of(field), written(name): value})
    assert str(getattr(case.event, attribute)) == wanted
    assert not case.problems
    assert not case.event.extras
    if written(name).lower() not in NAMES[field]:
        assert written(name).lower() in words_of(case)


@pytest.mark.parametrize("endpoint", [Postback.Endpoint.NATIVE, Postback.Endpoint.BULK, Postback.Endpoint.CSV])
@pytest.mark.parametrize("field", sorted(SAMPLES))
def test_endpoints_for_our_own_names_read_alike(endpoint: Postback.Endpoint, field: str) -> None:
    value, attribute, wanted = SAMPLES[field]
    for name in READ_AS.get(field, "").split():
        case = read({**others_of(field), name: value}, endpoint=endpoint)
        assert str(getattr(case.event, attribute)) == wanted


@pytest.mark.django_db
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("field", ["txid", "currency", "coupon", "customer_id", "revenue", "refund"])
def test_a_platforms_address_reads_the_names_that_it_does_not_use_itself(dialect: Any, field: str) -> None:
    value, attribute, wanted = SAMPLES[field]
    own = dialect.mapping.folded_names
    for name in READ_AS[field].split():
        if name in own or (dialect.mapping.lines and name == "discount"):
            continue
        sent = {dialect.mapping.shown(ours): given for ours, given in others_of(field).items() if ours != "currency"}
        case = read({**sent, name: value}, mapping=dialect.name)
        is_read = str(getattr(case.event, attribute)) == wanted
        assert is_read or name in words_of(case), name


edits = st.tuples(
    st.sampled_from(["drop", "double", "swap", "replace"]), st.integers(0, 40), st.sampled_from("aeklrsz")
)


def edited(name: str, edit: tuple[str, int, str]) -> str:
    kind, place, letter = edit
    at = place % (len(name) - 1)
    changed = {
        "drop": name[:at] + name[at + 1 :],
        "double": name[:at] + name[at] + name[at:],
        "swap": name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        "replace": name[:at] + letter + name[at + 1 :],
    }
    return changed[kind]


@given(st.sampled_from([each for each in SPELLINGS if len(squashed(each[1])) >= 6]), edits)
def test_a_name_with_a_typing_mistake_is_never_dropped_unseen(spelling: tuple[str, str], edit: Any) -> None:
    field, name = spelling
    wrong = edited(name, edit)
    assume(wrong.strip("_-") and squashed(wrong) != squashed(name))
    value, attribute, wanted = SAMPLES[field]
    case = read({**others_of(field), wrong: value})
    assert str(getattr(case.event, attribute)) == wanted or wrong.lower() in words_of(case)


@pytest.mark.parametrize("name", sorted(TWO_FIELDS))
def test_a_name_of_two_fields_is_refused_with_both_while_one_is_empty(name: str) -> None:
    fields = TWO_FIELDS[name]
    for empty in fields:
        case = read({**others_of(empty), "customer_id": "c-1", name: "77"})
        assert "wrong_name" in {problem.reason for problem in case.problems}
        assert all(f"`{NAMES[field][0]}`" in words_of(case) for field in fields)
    assert not read({**REST, name: "77"}).problems


@pytest.mark.parametrize(("field", "name"), [(field, name) for field, names in ALSO_LABELS.items() for name in names])
def test_a_name_that_may_be_a_label_is_kept_and_named(field: str, name: str) -> None:
    case = read({**others_of(field), name: "x-7"})
    assert name in words_of(case)
    assert case.event.extras == {name: "x-7"}
    beside = read({**REST, field: SAMPLES[field][0], name: "x-7"})
    assert name not in words_of(beside)


@given(st.text(string.ascii_letters + string.digits + "_-.[]", min_size=1, max_size=12))
def test_any_other_name_is_a_label_or_is_named(name: str) -> None:
    case = read({**REST, name: "x"})
    there = case.event.extras.get(name.lower()) == "x" or name.lower() in words_of(case)
    assert there or squashed(name) in {*map(squashed, NAMES), *OF_OTHER_STEPS}, name


OF_OTHER_STEPS = {"token", "secret", "hmac", "signature", "password", "apikey", "ts", "advertiser", "country", "test"}


@pytest.mark.django_db
@pytest.mark.parametrize("flag", ["test", "is_test", "testmode", "Sandbox"])
def test_a_test_flag_counts_at_every_platforms_address(world: World, flag: str) -> None:
    batch = []
    for number, dialect in enumerate(DIALECTS):
        shown = dialect.mapping.shown
        click = world.click()
        batch.append({shown("click_id"): click, shown("txid"): f"t-{number}", "event_type": "purchase", flag: "yes"})
    from_platforms = [received(fields, mapping=dialect.name) for fields, dialect in zip(batch, DIALECTS, strict=True)]
    decisions = intake(from_platforms, now=NOW)
    assert [decision.body["outcome"] for decision in decisions] == ["accepted"] * len(DIALECTS)
    assert set(Conversion.objects.values_list("is_test", flat=True)) == {True}


@pytest.mark.django_db
def test_guests_of_a_shop_are_not_one_customer(world: World) -> None:
    words = ["0", "guest", "null", "undefined", "NaN", "anonymous", "(not set)", '"0"', "00"]
    sent = [
        {"click_id": world.click(link), "txid": f"g-{number}", "event_type": "purchase", "customer_id": word}
        for number, word in enumerate(words)
        for link in (world.ana_link if number % 2 else world.ben_link,)
    ]
    send_all(sent)
    credited = dict(Conversion.objects.values_list("transaction_id", "affiliate__name"))
    assert credited == {f"g-{number}": "Ana" if number % 2 else "Ben" for number in range(len(words))}
    assert not Conversion.objects.filter(customer__isnull=False).exists()
