"""Names of an operator's mapping that lead into nested JSON."""

from typing import Any

import pytest

from conversions.dialects.paths import is_path, values_at
from conversions.dialects.rules import problems
from conversions.models import SenderMapping

ORDER: dict[str, Any] = {
    "id": "7",
    "billing": {"country": "DE", "company": None},
    "paid": True,
    "meta_data": [{"key": "ref", "value": "x"}, {"key": "click_id", "value": "06h2"}],
    "line_items": [{"sku": "a", "total": "10.00"}, {"sku": "b", "total": "2.50"}],
    "a.b": "a name with a dot",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("billing.country", "DE"),
        ("line_items[1].sku", "b"),
        ("meta_data[?key=='click_id'].value|[0]", "06h2"),
        ("join('|',line_items[].total)", "10.00|2.50"),
    ],
)
def test_a_path_leads_to_a_plain_value(path: str, value: str) -> None:
    assert values_at([path], ORDER) == {path: value}


@pytest.mark.parametrize(
    "path", ["billing.company", "billing.nothing", "line_items[9].sku", "billing.country.x", "meta_data[0]"]
)
def test_what_is_no_plain_value_counts_as_absent(path: str) -> None:
    assert values_at([path], ORDER) == {}


def test_a_plain_name_with_a_dot_is_read_as_it_is() -> None:
    assert is_path("a.b")
    assert values_at(["a.b"], ORDER) == {}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "is_good"),
    [("data.object.id", True), ("meta[?key=='c'].value|[0]", True), ("data..id", True), ("meta[?key==", False)],
)
def test_a_path_that_cannot_be_read_is_refused_when_saved(name: str, is_good: bool) -> None:
    row = SenderMapping(slug="shop", name="Shop", names={"click_id": [name]}, defaults={"event_type": "sale"})
    found = [problem.key for problem in problems(row) if problem.field == "names"]
    assert found == ([] if is_good else ["click_id"])
