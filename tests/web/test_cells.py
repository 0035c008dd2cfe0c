"""Cells of the panel's tables: names that visitors and affiliates chose never become markup."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from affiliates.models import Affiliate
from web import cells

SCRIPT = '<script>alert("1")</script>'
SAFE = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"
AT = datetime(2026, 10, 31, 23, 30, 59, 999_999, tzinfo=UTC)


def test_a_moment_is_shown_in_the_readers_zone_to_the_second_and_in_lists_to_the_minute():
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert cells.moment(AT) == "2026-11-01 08:30:59"
        assert cells.when(AT) == '<span title="2026-11-01 08:30:59">2026-11-01 08:30</span>'


def test_nothing_is_shown_as_a_dash_but_an_amount_of_zero_as_itself():
    shown = {cells.moment(None), cells.when(None), cells.money(None, "EUR"), cells.code(""), cells.link_to(None)}
    assert shown == {cells.NOTHING}
    assert "0.00 EUR" in cells.money(Decimal(0), "EUR")
    assert "1,501 JPY" in cells.money(Decimal("1500.5"), "JPY")


@pytest.mark.parametrize("cell", [cells.code, cells.long_code, lambda text: cells.list_link("admin:index", text)])
def test_a_text_is_shown_as_text(cell):
    assert SAFE in cell(SCRIPT)
    assert SCRIPT not in cell(SCRIPT)


def test_a_link_leads_to_the_row_and_shows_its_name_as_text():
    link = cells.link_to(Affiliate(pk=7, name=SCRIPT))
    assert 'href="/admin/affiliates/affiliate/7/change/"' in link
    assert SAFE in link
    assert ">Parent</a>" in cells.link_to(Affiliate(pk=7, name="Ana"), "Parent")


def test_a_link_to_a_list_carries_its_filters_encoded():
    link = cells.list_link("admin:affiliates_affiliate_changelist", "Ana", q="a&b=c d", status="active")
    assert 'href="/admin/affiliates/affiliate/?q=a%26b%3Dc+d&amp;status=active"' in link or (
        'href="/admin/affiliates/affiliate/?q=a%26b%3Dc+d&status=active"' in link
    )


def test_a_link_to_a_page_of_an_app_that_is_not_there_is_left_out():
    assert cells.list_link("admin:no_such_changelist", "Ana") == cells.NOTHING


def test_a_small_table_shows_its_rows_as_text_or_says_that_there_are_none():
    table = cells.rows_of(["Name", SCRIPT], [[SCRIPT, cells.code("af_1")]], empty="None yet")
    assert table.count("<td>") == 2
    assert SCRIPT not in table
    assert '<span class="aff-code">af_1</span>' in table
    assert cells.rows_of(["Name"], [], empty="None yet") == '<p class="aff-muted">None yet</p>'
