"""A source is one file: the how-to's own example is added, served, offered in the panel and described."""

import hashlib
import hmac
import json
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import conversions.sources as package
from conversions.models import SourceConnection
from conversions.sources.page import source_page
from conversions.sources.table import sources
from records.kinds import IncompleteKind
from tests.asgi_client import Answer, Standing, standing
from tests.conversions.sources.shops import SECRET, Shop, amounts, outcome, path_of, post

pytestmark = pytest.mark.django_db(transaction=True)
HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "add-a-source.md"
EXAMPLE = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(), re.DOTALL)[0]


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory whose files are found as files of the package are."""
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    sources.cache_clear()
    yield tmp_path / "acmepay.py"
    sys.modules.pop("conversions.sources.acmepay", None)
    sources.cache_clear()


def send(site: Standing, row: SourceConnection, event: dict[str, Any]) -> Answer:
    body = json.dumps(event).encode()
    return post(site, row, body, {"acme-signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()})


def test_the_example_of_the_how_to_is_served(added: Path) -> None:
    added.write_text(EXAMPLE)
    shop = Shop()
    row = _connect(shop)
    paid = {"type": "payment.succeeded", "payment": "p1", "amount": "20.00", "currency": "EUR"}
    paid["reference"] = shop.click()
    with standing() as site:
        assert outcome(send(site, row, paid)) == (200, "accepted", "ok")
        back = {"type": "payment.refunded", "payment": "p1", "amount": "5.00", "refund": "r1"}
        assert outcome(send(site, row, back))[1] == "updated"
        assert outcome(send(site, row, {"type": "payment.failed"}))[:2] == (200, "ignored")
        assert site.request("POST", path_of(row), body=b"{}").status == 401
    assert amounts("p1") == ("approved", Decimal("20.00"), Decimal("5.00"))


def _connect(shop: Shop) -> SourceConnection:
    row = shop.connect("shopify", goals={"payment": "purchase"})
    SourceConnection.objects.filter(pk=row.pk).update(source="acmepay")
    row.refresh_from_db()
    return row


def test_the_panel_and_the_page_have_it(added: Path, olga: Any, client: Client) -> None:
    added.write_text(EXAMPLE)
    row = _connect(Shop())
    client.force_login(olga)
    new_page = client.get(reverse("admin:conversions_sourceconnection_add")).content.decode()
    its_page = client.get(reverse("admin:conversions_sourceconnection_change", args=[row.pk])).content.decode()
    assert "Acme Pay" in new_page
    assert "goal_acmepay_payment" in new_page
    assert "payment.refunded" in its_page
    assert "## Acme Pay" in source_page()


@pytest.mark.parametrize("part", ["words", "steps", "reads", "tests", "events", "signed", "title"])
def test_a_file_that_lacks_a_part_prevents_the_start(added: Path, part: str) -> None:
    lines = [line for line in EXAMPLE.splitlines() if not line.startswith(f"    {part} =")]
    text = "\n".join(lines)
    untitled = text.replace('code, title = "acmepay", "Acme Pay"', 'code = "acmepay"')
    added.write_text(untitled if part == "title" else text)
    with pytest.raises(IncompleteKind, match=f"`{part}`"):
        sources()


def test_two_files_with_one_code_prevent_the_start(added: Path) -> None:
    added.write_text(EXAMPLE.replace('"acmepay"', '"stripe"'))
    with pytest.raises(IncompleteKind, match="stripe"):
        sources()


def test_the_page_in_the_repository_is_the_generated_one() -> None:
    page = HOW_TO.parents[1] / "sources.md"
    assert page.read_text() == source_page(), "Run `python manage.py sources`."
