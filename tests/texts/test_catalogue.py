"""Adding a language, as docs/translating.md says it: a catalogue is written, translated, compiled, and read."""

from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po
from django.core.cache import cache
from django.test import Client
from django.utils.translation.trans_real import DjangoTranslation
from pytest_django.fixtures import Settings

from config.embedded.messages import catalogue, update
from tests.factories import OfferFactory

GERMAN = {"See your links, your numbers and your money.": "Links, Zahlen und Geld auf einen Blick.", "Active": "Aktiv"}


def translate(path: Path, texts: dict[str, str]) -> None:
    """What a translator does in an editor."""
    with path.open("rb") as file:
        found = read_po(file)
    for text, translated in texts.items():
        found[text].string = translated
    with path.open("wb") as file:
        write_po(file, found)


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("locale")
    texts, missing = update("de", folder)
    assert texts == missing > 1500
    translate(folder / "de" / "LC_MESSAGES" / "django.po", GERMAN)
    assert update("de", folder) == (texts, texts - len(GERMAN))
    return folder


@pytest.fixture
def with_german(settings: Settings, german: Path) -> None:
    settings.LOCALE_PATHS = [german]
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    cache.clear()


@pytest.mark.django_db
@pytest.mark.usefixtures("with_german")
class TestWithGerman:
    def page(self, **headers: str) -> str:
        return Client().get("/accounts/login/", headers=headers).content.decode()

    def test_a_page_is_in_the_language_that_the_browser_asks_for(self):
        assert "Links, Zahlen und Geld auf einen Blick." in self.page(accept_language="de")

    def test_a_text_that_is_not_translated_is_shown_in_english(self):
        assert "You need an invitation" in self.page(accept_language="de")

    def test_a_page_is_english_for_everyone_else(self):
        assert "See your links, your numbers and your money." in self.page(accept_language="fr")

    def test_the_language_that_was_chosen_goes_before_the_browsers(self):
        client = Client()
        client.cookies["django_language"] = "de"
        assert "auf einen Blick" in client.get("/accounts/login/", headers={"accept-language": "en"}).content.decode()

    def test_the_api_answers_in_english(self):
        offer = OfferFactory()
        answer = Client().post(f"/api/v1/offers/{offer.public_id}/", headers={"accept-language": "de"})
        assert answer.headers.get("Content-Language", "en") == "en"
        assert "Anmelde" not in answer.content.decode()
        assert "API key" in answer.content.decode()


def test_nothing_is_added_to_an_answer_while_english_is_the_only_language(client):
    answer = client.get("/accounts/login/", headers={"accept-language": "de"})
    assert "Content-Language" not in answer.headers
    assert "Accept-Language" not in answer.headers.get("Vary", "")


def test_no_package_has_an_english_catalogue_that_would_be_skipped():
    """`config.source_language` answers English texts with themselves: all that Django would find is empty."""
    found = DjangoTranslation("en")
    assert {text for catalogue in found._catalog._catalogs for text in catalogue} <= {""}


def test_the_catalogue_has_texts_of_code_templates_and_names():
    found = {message.id if isinstance(message.id, str) else message.id[0] for message in catalogue()}
    assert {"Sign in", "Waiting for approval", "affiliate member", "{number} day"} <= found
