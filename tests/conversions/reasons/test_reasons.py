from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS


def test_every_reason_is_explained():
    assert set(EXPLANATIONS) == set(Reason)
    for text in EXPLANATIONS.values():
        assert text.cause.endswith(".")
        assert text.remedy.endswith(".")
        assert 200 <= text.http_status < 600


def test_only_a_503_asks_for_a_retry():
    assert {text.http_status for text in EXPLANATIONS.values() if text.retry} == {503}


def test_the_page_in_the_documentation_says_what_the_list_says():
    call_command("reasons", "--check")
    page = (Path(settings.BASE_DIR) / "docs" / "reasons.md").read_text()
    assert all(f"| `{reason.value}` |" in page for reason in Reason)
