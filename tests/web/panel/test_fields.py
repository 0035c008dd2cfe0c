"""Lengths of time and lists in the panel's forms: what is stored is what is shown, and the other way round."""

from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from affiliates.models import Offer, User
from records.addresses import validate_host
from tests.factories import OfferFactory
from web.panel import DaysField, ListField, SecondsField


class TestDays:
    field = DaysField()

    @given(st.integers(1, 36_500 * 86_400))
    def test_a_stored_length_is_the_same_after_it_was_shown_and_sent_back(self, seconds: int) -> None:
        shown = self.field.prepare_value(timedelta(seconds=seconds))
        assert self.field.to_python(shown) == timedelta(seconds=seconds)
        assert not self.field.has_changed(timedelta(seconds=seconds), shown)

    @pytest.mark.parametrize(
        ("sent", "hours"),
        [("30", 720), (" 0.5 ", 12), ("0.333333", 8), ("1e1", 240), ("36500", 876_000), ("1/2", None), ("1,5", None)],
    )
    def test_a_number_of_days_is_read(self, sent: str, hours: int | None) -> None:
        if hours is None:
            with pytest.raises(ValidationError, match="Give a number of days"):
                self.field.clean(sent)
        else:
            assert self.field.clean(sent) == timedelta(hours=hours)

    @pytest.mark.parametrize("sent", ["0", "-1", "0.000001", "1e-400", "36500.1", "1e30", "Infinity", "NaN", "sNaN"])
    def test_no_time_and_too_much_of_it_are_refused(self, sent: str) -> None:
        with pytest.raises(ValidationError, match=r"Give more than 0 and at most 36,500 days\."):
            self.field.clean(sent)

    def test_an_empty_one_is_none_where_it_may_be(self) -> None:
        assert DaysField(required=False).clean("  ") is None
        with pytest.raises(ValidationError, match="required"):
            self.field.clean("")

    def test_what_is_no_number_counts_as_a_change_so_that_it_is_not_passed_over(self) -> None:
        assert self.field.has_changed(timedelta(days=1), "soon")
        assert not DaysField(required=False).has_changed(None, "")


class TestSeconds:
    field = SecondsField()

    @given(st.integers(0, 86_400 * 10**6))
    def test_a_stored_length_is_the_same_after_it_was_shown_and_sent_back(self, microseconds: int) -> None:
        length = timedelta(microseconds=microseconds)
        shown = self.field.prepare_value(length)
        assert "e" not in shown
        assert self.field.to_python(shown) == length
        assert not self.field.has_changed(length, shown)

    @pytest.mark.parametrize("sent", ["-0.1", "86401", "1e30", "NaN", "-Infinity"])
    def test_less_than_none_and_more_than_a_day_are_refused(self, sent: str) -> None:
        with pytest.raises(ValidationError, match=r"Give 0 to 86,400 seconds\."):
            self.field.clean(sent)

    def test_nothing_is_no_bound_but_zero_is_one(self) -> None:
        assert (self.field.clean(""), self.field.clean("0")) == (None, timedelta(0))
        assert self.field.has_changed(None, "two")


class TestLists:
    field = ListField(
        base_field=forms.CharField(max_length=20, validators=[validate_host]), label="Hosts", help_text=""
    )

    def test_empty_inputs_are_left_out_and_the_order_stays(self) -> None:
        assert self._clean([" b.example ", "", "a.example", "  "]) == ["b.example", "a.example"]
        assert self._clean(None) == []

    def test_each_wrong_item_is_named_and_no_right_one(self) -> None:
        field = ListField(base_field=Offer._meta.get_field("deep_link_hosts").base_field, label="", help_text="")
        with pytest.raises(ValidationError) as refused:
            field.clean(["a.example", "https://b.example", "x" * 300])
        assert [message.partition(":")[0][:20] for message in refused.value.messages[:2]] == ["https", "x" * 20]
        assert not any("a.example:" in message for message in refused.value.messages)

    def test_capitals_are_made_where_codes_are_capitals(self) -> None:
        field = ListField(base_field=self.field.base_field, label="", help_text="", capitals=True)
        assert field.to_python(["de", "Br"]) == ["DE", "BR"]

    def test_another_order_is_a_change_and_an_empty_input_is_none(self) -> None:
        assert self.field.has_changed(["a", "b"], ["b", "a"])
        assert not self.field.has_changed(["a"], ["a", ""])
        assert not self.field.has_changed(None, [])

    def _clean(self, sent: Any) -> list[str]:
        return self.field.to_python(sent)


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


def sent_back(page: Any) -> dict[str, Any]:
    """The fields of the form as a browser sends them when nothing was touched; no rows below it."""
    sent = {f"{rows}-{part}_FORMS": "0" for rows in ("goals", "destinations") for part in ("TOTAL", "INITIAL")}
    for bound in page.context["adminform"].form:
        value = bound.value()
        if value not in (None, False):
            sent[bound.html_name] = "on" if value is True else value
    return sent


def test_an_offer_saved_without_a_change_keeps_its_times_to_the_last_second(desk: Client) -> None:
    lengths = {
        "attribution_window": timedelta(hours=8),
        "attribution_window_minimum": timedelta(seconds=12_345.678),
        "customer_lock_expires": timedelta(days=1, seconds=1),
    }
    offer = OfferFactory(**lengths)
    path = reverse("admin:affiliates_offer_change", args=[offer.pk])
    assert desk.post(path, sent_back(desk.get(path))).status_code == 302
    offer.refresh_from_db()
    assert {name: getattr(offer, name) for name in lengths} == lengths
