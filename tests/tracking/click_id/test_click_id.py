import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from tracking.click_id import codec

VECTOR_KEY = "7:a published key for test vectors"
VECTOR_UUID = UUID("019b76da-a800-0000-002a-0102030405ff")
VECTOR_TEXT = "06dndml80000001a04106105vs3n2fko3v5uld8f"


def test_text_is_forty_lower_case_letters_and_digits():
    text = codec.new(link_number=42).text
    assert len(text) == 40
    assert text.isalnum()
    assert text == text.lower()


@given(st.integers(1, 2**32 - 1), st.datetimes(datetime(1971, 1, 1), datetime(2500, 1, 1)))  # noqa: DTZ001
def test_an_id_shows_its_link_and_its_time(number, moment):
    moment = moment.replace(tzinfo=UTC)
    made = codec.new(link_number=number, at=moment)
    parsed = codec.parse(made.text)
    assert parsed == made
    assert parsed.link_number == number
    assert timedelta(0) <= moment - parsed.made_at < timedelta(milliseconds=1)


@given(st.integers(0, 39), st.sampled_from("0123456789abcdefghijklmnopqrstuv"))
def test_one_changed_character_makes_it_forged(place, character):
    text = codec.new(link_number=42).text
    forged = text[:place] + character + text[place + 1 :]
    assert (codec.parse(forged) is not None) == (forged == text)


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text):
    assert codec.parse(text) is None


@given(st.text(alphabet="0123456789abcdefghijklmnopqrstuvwxyz=+/ \u0130", min_size=40, max_size=40))
def test_no_text_of_the_right_length_breaks_the_parser(text):
    assert codec.parse(text) is None


def test_survives_case_folding():
    made = codec.new(link_number=42)
    assert codec.parse(made.text.upper()) == made


def test_texts_sort_by_time():
    start = datetime(2026, 2, 28, 23, 59, 59, 999000, tzinfo=UTC)
    texts = [codec.new(link_number=9, at=start + timedelta(milliseconds=n)).text for n in range(50)]
    assert texts == sorted(texts)


def test_bound_lies_at_the_first_id_of_its_moment():
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    before = codec.new(link_number=2**32 - 1, at=moment - timedelta(milliseconds=1))
    assert before.uuid < codec.lowest_uuid(moment) < codec.new(link_number=1, at=moment).uuid


def test_first_key_signs_and_all_keys_verify(settings):
    settings.CLICK_ID_KEYS = ["1:the old key of the year"]
    old = codec.new(link_number=5)
    text = old.text
    settings.CLICK_ID_KEYS = ["2:the new key of the year", "1:the old key of the year"]
    assert codec.parse(text) == old
    assert old.text != text
    settings.CLICK_ID_KEYS = ["2:the new key of the year"]
    assert codec.parse(text) is None


def test_same_number_with_another_secret_does_not_verify(settings):
    settings.CLICK_ID_KEYS = ["1:the key of one operator"]
    text = codec.new(link_number=5).text
    settings.CLICK_ID_KEYS = ["1:the key of another one"]
    assert codec.parse(text) is None


def test_published_vector_holds(settings):
    settings.CLICK_ID_KEYS = [VECTOR_KEY]
    assert codec.text_of(VECTOR_UUID) == VECTOR_TEXT
    assert codec.parse(VECTOR_TEXT).uuid == VECTOR_UUID


@pytest.mark.parametrize(
    "entry", ["", "secret-without-number-here", "1:short", "256:a secret that is long", "x:a secret that is long"]
)
def test_nonsense_keys_are_refused_with_a_sentence(settings, entry):
    settings.CLICK_ID_KEYS = [entry]
    with pytest.raises(ImproperlyConfigured, match="number:secret"):
        codec.new(link_number=1).text  # noqa: B018


@given(st.binary(min_size=25, max_size=25))
def test_the_text_is_base32hex_in_lower_case(raw):
    assert codec._text(raw) == base64.b32hexencode(raw).decode().lower()
