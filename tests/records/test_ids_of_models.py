"""Public IDs: each sort has its prefix, fits its column, and reveals neither a count nor an order."""

import pytest
from django.apps import apps

from records import public_ids
from records.public_ids import ALPHABET

PREFIXES = {
    "affiliate_id": "af_",
    "advertiser_id": "ad_",
    "offer_id": "of_",
    "postback_id": "pb_",
    "conversion_id": "cv_",
    "payout_id": "po_",
    "billed_clicks_id": "bc_",
    "batch_id": "pt_",
    "draft_id": "dv_",
    "what_if_id": "wi_",
}


@pytest.mark.parametrize(("make", "prefix"), PREFIXES.items())
def test_an_id_says_what_it_is_of_and_nothing_more(make, prefix):
    made = getattr(public_ids, make)()
    assert made.startswith(prefix)
    assert set(made.removeprefix(prefix)) <= set(ALPHABET)
    assert len(made.removeprefix(prefix)) >= 8


def test_letters_that_are_mistaken_for_others_are_in_none():
    assert not set(ALPHABET) & set("01aeilou")
    assert ALPHABET.islower()
    assert len(set(ALPHABET)) == len(ALPHABET)


def test_an_affiliate_cannot_count_a_rivals_links_by_the_codes():
    codes = [public_ids.link_code() for _ in range(200)]
    assert len(set(codes)) == 200
    assert {len(code) for code in codes} == {7}
    assert codes != sorted(codes)


def test_every_default_id_fits_its_column_and_is_unique():
    fields = [
        field
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if getattr(field.default, "__module__", "") == "records.public_ids"
    ]
    assert len(fields) >= 8
    for field in fields:
        assert field.unique, field
        assert len(field.get_default()) <= field.max_length, field
