"""Values as people and programs write them: repaired where only one reading is possible, else refused."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversions.intake.read.macros import unfilled
from conversions.intake.read.personal import digest_of, hide, hide_in_text, kind_of
from conversions.intake.read.receive import masked_text
from conversions.models import Conversion, Customer, Postback
from conversions.replay import replay
from conversions.values import NoAmount, decoded_again, read_amount, read_moment
from tests.conversions.sending import NOW, World, outcome, send


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("12.50", "12.50", ""),
        ("0", "0", ""),
        ("12,50", "12.50", ""),
        ("12,5", "12.5", ""),
        ("0,125", "0.125", ""),
        ("1.234,56", "1234.56", ""),
        ("1,234.56", "1234.56", ""),
        ("1 234,56", "1234.56", ""),
        ("1\u00a0234\u00a0567,8", "1234567.8", ""),
        ("1'234.50", "1234.50", ""),
        ("1,234,567", "1234567", ""),
        ("1.234.567", "1234567", ""),
        ("€12,50", "12.50", "EUR"),
        ("12.50 EUR", "12.50", "EUR"),
        ("usd 12.50", "12.50", "USD"),
        ("$ 12.50", "12.50", ""),
        ("49.90zł", "49.90", "PLN"),
        ("1.5e3", "1500", ""),
        ("2E-3", "0.002", ""),
    ],
)
def test_reads_amounts_with_one_meaning(text: str, value: str, currency: str) -> None:
    found = read_amount(text)
    assert (found.value, found.currency) == (Decimal(value), currency)
    assert bool(found.repaired) == (text not in ("12.50", "0"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234", "may be 1234 or 1.234"),
        ("-5", "is negative: send refund=5 "),
        ("(5.00)", "is negative, read as minus 5.00: send refund=5.00 "),
        ("\u22125,50 €", "is negative, read as minus 5.50: send refund=5.50 "),
        ("1.234,50-", "is negative, read as minus 1234.50: send refund=1234.50 "),
        ("-1,234", "is negative: send refund=… "),
        ("--5", "is negative"),
        ("()", "is not an amount"),
        ("-", "is not an amount"),
        ("five", "is not an amount"),
        ("1.2.3", "groups of three"),
        ("0'028", "groups of three"),
        ("0 500", "groups of three"),
        ("0.123.456", "groups of three"),
        ("1,23,45", "groups of three"),
        ("1.234,567.89", "not an amount"),
        ("12.50 XYZ", "no currency that is known"),
        ("12.5.", "groups of three"),
        ("NaN", "is not an amount"),
        ("Infinity", "is not an amount"),
        ("1e99", "more digits"),
        ("1e-9", "more digits"),
        ("99999999999999999", "more digits"),
        ("1٣", "is not an amount"),
        ("+5", "is not an amount"),
        ("0x1A", "is not an amount"),
    ],
)
def test_refuses_amounts_with_two_meanings_or_none(text: str, expected: str) -> None:
    with pytest.raises(NoAmount, match=expected):
        read_amount(text)


@given(
    st.decimals(min_value=0, max_value=10**12, places=2),
    st.sampled_from(["{:,.2f}", "{:.2f}", "EUR {:,.2f}", "{:.2f} €"]),
)
def test_a_fixed_amount_is_the_one_that_was_meant(value: Decimal, form: str) -> None:
    text = form.format(value)
    assert read_amount(text).value == value
    german = text.translate(str.maketrans(",.", ".,"))
    assert read_amount(german).value == value


@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_not_one(text: str) -> None:
    with suppress(NoAmount):
        assert read_amount(text).value >= 0
    read_moment(text)
    decoded_again(text)
    kind_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "1792065600",
        "1792065600.0",
        "1792065600000",
        "1792065600000000",
        "1792065600000000000",
        "2026-10-15T12:00:00Z",
        "2026-10-15T14:00:00+02:00",
        "2026-10-15T14:00:00 02:00",
        "2026-10-15 12:00:00",
        "Thu, 15 Oct 2026 12:00:00 GMT",
        "Thu, 15 Oct 2026 14:00:00 +0200",
    ],
)
def test_reads_every_form_of_a_time(text: str) -> None:
    found = read_moment(text)
    assert found is not None
    assert found.at == datetime(2026, 10, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "15.10.2026", "1", "2026-13-01", "9" * 30, "Thu, 99 Foo 2026", "1.2.3"])
def test_knows_what_is_no_time(text: str) -> None:
    assert read_moment(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "{x}",
            "{{x}}",
            "${x}",
            "#x#",
            "[x]",
            "<x>",
            "%x%",
            "%7Bx%7D",
            "$x$",
            "__x__",
            "!!x!!",
            "!x!",
            "(x)",
            "{%x%}",
        ),
        *("%%x%%", "$x", "{}", "{1}"),
    ],
)
def test_knows_macros_of_every_style(text: str) -> None:
    assert unfilled(text.replace("x", "click_id"))


@pytest.mark.parametrize(
    ("text", "macro"),
    [
        ("ord-{txid}", "{txid}"),
        ("{{order.id}}-1", "{{order.id}}"),
        ("shop/${txid}/", "${txid}"),
        ("a-%%CACHEBUSTER%%", "%%CACHEBUSTER%%"),
        ("ord-%7Btxid%7D", "%7Btxid%7D"),
        ("ord_[TXID]", "[TXID]"),
        ("[click id]", "[click id]"),
        ("(Transaction ID)", "(Transaction ID)"),
        ("$clickId", "$clickId"),
        ("ord-$subId2", "$subId2"),
        ("[foo_bar]", "[foo_bar]"),
        ("[ORDER.NUMBER]", "[ORDER.NUMBER]"),
    ],
)
def test_knows_a_macro_by_its_signs_or_by_its_name(text: str, macro: str) -> None:
    assert unfilled(text) == macro


@pytest.mark.parametrize(
    "text",
    [
        *("abc", "a_b", "$12.50", "100%", "a[1]", "_x_", "c-12", "(12)", "%41%", "$100", "[VIP]", "[VIP] Carl"),
        *("(Mary)", "Mary (Smith)", "$AVE20", "us$name", "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}", "50%off 100%%x"),
        *("[1]", "[]", "Replica1", "TXID-5", "A$AP", "a{1}"),
    ],
)
def test_takes_nothing_else_for_a_macro(text: str) -> None:
    assert not unfilled(text)


def test_a_value_that_was_encoded_twice_is_read_once_more() -> None:
    assert decoded_again("a%20b") == "a b"
    assert decoded_again("2026-10-15T12%3A00%3A00Z") == "2026-10-15T12:00:00Z"
    for text in ("100%", "50%25 off", "%ff", "%00", "a b"):
        assert decoded_again(text) == text


@pytest.mark.django_db
class TestIntake:
    @pytest.fixture
    def world(self) -> World:
        return World()

    def sale(self, world: World, **fields: Any) -> Any:
        given = {"txid": "1", "event_type": "purchase", "revenue": "10", "currency": "EUR"}
        return send(click_id=world.click(), **{**given, **fields})

    def test_what_is_fixed_is_reported(self, world: World) -> None:
        decision = self.sale(world, revenue="1.234,50 €", currency=None)
        assert outcome(decision) == (200, "accepted", "ok")
        assert decision.body["warnings"] == ["revenue=1.234,50 € was read as 1234.50 EUR. Send 1234.50."]
        row = Conversion.objects.get()
        assert (row.revenue, row.currency) == (Decimal("1234.50"), "EUR")

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"revenue": "1,234"}, "bad_amount"),
            ({"revenue": "$5", "currency": None}, "bad_currency"),
            ({"revenue": "€5", "currency": "USD"}, "bad_currency"),
        ],
    )
    def test_money_is_never_guessed(self, world: World, fields: dict[str, Any], reason: str) -> None:
        decision = self.sale(world, **fields)
        assert outcome(decision) == (422, "invalid", reason)
        assert not Conversion.objects.exists()

    @pytest.mark.parametrize(
        ("fields", "text"),
        [
            ({"revenue": "10.005"}, "revenue=10.005 has more decimals than EUR, which has 2"),
            ({"revenue": "100.5", "currency": "JPY"}, "revenue=100.5 has more decimals than JPY, which has 0"),
            ({"revenue": "10.005", "currency": None}, "revenue=10.005 has more decimals than EUR, which has 2"),
            ({"fees": "0.125"}, "fees=0.125 has more decimals"),
        ],
    )
    def test_decimals_that_the_currency_has_not_are_reported_and_kept(
        self, world: World, fields: dict[str, Any], text: str
    ) -> None:
        decision = self.sale(world, **fields)
        assert outcome(decision) == (200, "accepted", "ok")
        assert any(warning.startswith(text) for warning in decision.body["warnings"])
        row = Conversion.objects.get()
        assert str(row.revenue).startswith(fields.get("revenue", "10"))

    @pytest.mark.parametrize(
        "fields", [{"revenue": "10.50"}, {"revenue": "1.125", "currency": "KWD"}, {"revenue": "7.000"}]
    )
    def test_decimals_that_the_currency_has_are_not(self, world: World, fields: dict[str, Any]) -> None:
        assert self.sale(world, **fields).body["warnings"] == []

    def test_a_clock_that_is_ahead_is_reported(self, world: World) -> None:
        decision = self.sale(world, timestamp=(NOW + timedelta(minutes=42)).isoformat())
        assert decision.body["outcome"] == "accepted"
        assert "42 minutes ahead of our clock" in decision.body["warnings"][0]

    def test_an_e_mail_address_is_never_stored_and_the_customer_stays_one(self, world: World) -> None:
        first = self.sale(world, customer_id="Carl@example.com", sub_id1="+49 151 2345678")
        assert "customer_id held an e-mail address" in first.body["warnings"][0]
        self.sale(world, txid="2", customer_id="carl@example.com ")
        assert Customer.objects.get().customer_id == digest_of("carl@example.com")
        stored = str(list(Postback.objects.values()))
        assert "example.com" not in stored
        assert "2345678" not in stored
        assert "example.com" not in str(first.body)
        postback = Postback.objects.order_by("pk")[0]
        assert replay([postback], by="Olga", now=NOW)[0].after == ("accepted", "ok")

    def test_it_is_refused_where_the_operator_wants_that(self, world: World, settings: Any) -> None:
        settings.PERSONAL_DATA = "refuse"
        decision = self.sale(world, customer_id="carl@example.com")
        assert outcome(decision) == (422, "invalid", "personal_data")
        assert "example.com" not in str(list(Postback.objects.values()))
        assert replay([Postback.objects.get()], by="Olga", now=NOW)[0].after == ("invalid", "personal_data")

    def test_it_is_kept_where_the_operator_wants_that(self, world: World, settings: Any) -> None:
        settings.PERSONAL_DATA = "keep"
        self.sale(world, customer_id="carl@example.com")
        assert Customer.objects.get().customer_id == "carl@example.com"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("carl@example.com", "an e-mail address"),
        ("+4915112345678", "a telephone number"),
        ("DE89 3704 0044 0532 0130 00", "an account number"),
        ("4915112345678", ""),
        ("4111111111111111", ""),
        ("carl@home", ""),
        ("@carl", ""),
        ("DE00370400440532013000", ""),
        ("player-1+2", ""),
    ],
)
def test_knows_personal_data_from_ids(value: str, kind: str) -> None:
    assert kind_of(value) == kind


def test_leaves_alone_what_can_hold_none() -> None:
    pairs = [("token", "a@b.example"), ("revenue", "+4915112345678"), ("txid", "7")]
    assert hide(pairs) == (pairs, [])


@pytest.mark.parametrize("text", ["USD 12.50 EUR", "€12.50 USD", "£5 eur"])
def test_an_amount_in_two_currencies_is_none(text: str) -> None:
    with pytest.raises(NoAmount, match="names two currencies"):
        read_amount(text)


def test_an_amount_that_names_its_currency_twice_is_read() -> None:
    assert read_amount("EUR 12.50 €")[:2] == (Decimal("12.50"), "EUR")


@pytest.mark.parametrize("text", ["%5Btxid%5D", "%3Ctxid%3E", "%23txid%23", "%257Btxid%257D", "%24%7Btxid%7D"])
@pytest.mark.django_db
def test_a_macro_that_was_encoded_again_is_a_macro(text: str) -> None:
    decision = send(click_id=World().click(), txid=text, event_type="purchase")
    assert outcome(decision) == (422, "invalid", "unresolved_macro")
    assert not Conversion.objects.exists()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("carl%40example.com", "an e-mail address"),
        ("0049 151 2345678", "a telephone number"),
        ("00491512345678", ""),
        ("001-000123", ""),
        ("00-1234-567890", ""),
        ("4111 1111 1111 1111", "a card number"),
        ("4111-1111-1111-1111", "a card number"),
        ("4111 1111 1111 1112", ""),
        ("1234-5678-9012-3456", ""),
    ],
)
def test_knows_personal_data_in_other_spellings(value: str, kind: str) -> None:
    assert kind_of(value) == kind


def test_one_address_is_one_customer_however_it_is_encoded() -> None:
    assert digest_of("Carl%40example.com") == digest_of("carl@example.com")


def test_an_address_in_the_place_of_a_click_is_hidden_too() -> None:
    assert hide([("click_id", "carl@example.com")])[1] == [("click_id", "an e-mail address")]


def test_a_masked_customer_stays_known_when_the_secret_key_changes(settings: Any) -> None:
    before = digest_of("Ana@Example.com")
    settings.SECRET_KEY = "another-secret-key-of-the-same-installation"
    assert digest_of("ana@example.com ") == before
    settings.PERSONAL_DATA_KEY = "another"
    assert digest_of("ana@example.com") != before


@pytest.mark.parametrize(
    ("body", "hidden"),
    [
        ('{"token": "aft_the_token_of_x", "customer_id": carl@example.com}', ("aft_the", "carl@")),
        ("token=abc123&mail=carl%40example.com", ("abc123", "example.com")),
        ("<token>abc123</token><phone>+49 151 2345678</phone>", ("abc123", "2345678")),
        ("iban DE89 3704 0044 0532 0130 00 card 4111-1111-1111-1111", ("3704", "4111")),
        ("Bearer aft_the_token_of_x", ("aft_the",)),
    ],
)
def test_a_body_that_cannot_be_read_is_kept_without_secrets_and_personal_data(
    body: str, hidden: tuple[str, ...]
) -> None:
    kept = hide_in_text(masked_text(body))
    assert not [part for part in hidden if part in kept]


def test_what_is_neither_secret_nor_personal_stays_in_a_body(settings: Any) -> None:
    body = "<txid>1001</txid> 2026-10-15T12:00:00+02:00 order 1234-5678-9012-3456, a@b DE123"
    assert hide_in_text(masked_text(body)) == body
    settings.PERSONAL_DATA = "keep"
    assert hide_in_text("carl@example.com") == "carl@example.com"
