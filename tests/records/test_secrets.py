"""Secrets at rest: found by a digest, read back only with a key of FIELD_KEYS, and keys can rotate."""

import pytest
from cryptography.fernet import InvalidToken
from hypothesis import given
from hypothesis import strategies as st

from records.secrets import EncryptedTextBytes, decrypt, digest, encrypt, new_token


def test_a_token_has_its_prefix_and_comes_only_once():
    made = {new_token("afk") for _ in range(1000)}
    assert len(made) == 1000
    assert all(token.startswith("afk_") and len(token) >= 4 + 27 and token.isascii() for token in made)


def test_a_digest_is_the_same_each_time_and_shows_nothing_of_the_token():
    """SHA-256 by its published example: keys stored by an older version must still be found."""
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest("abc") != digest("abc ")


@given(st.text())
def test_what_was_encrypted_is_read_back_and_cannot_be_read_without(text):
    stored = encrypt(text)
    assert decrypt(stored) == text
    assert stored.isascii()
    assert not text.strip() or len(text) < 8 or text not in stored


def test_the_same_text_is_never_encrypted_to_the_same():
    assert encrypt("iban") != encrypt("iban")


def test_keys_rotate_the_first_writes_and_every_listed_one_reads(settings):
    settings.FIELD_KEYS = ["old"]
    before = encrypt("secret")
    settings.FIELD_KEYS = ["new", "old"]
    after = encrypt("secret")
    assert (decrypt(before), decrypt(after)) == ("secret", "secret")
    settings.FIELD_KEYS = ["new"]
    assert decrypt(after) == "secret"
    with pytest.raises(InvalidToken):
        decrypt(before)


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t[:30] + "x" + t[31:], lambda t: "", lambda t: "gAAAA"])
def test_a_changed_text_is_refused_not_half_read(change):
    with pytest.raises(InvalidToken):
        decrypt(change(encrypt("secret that is long enough")))


class TestEncryptedBytes:
    field = EncryptedTextBytes()

    def test_are_encrypted_on_the_way_in_and_read_on_the_way_out(self):
        stored = self.field.get_prep_value("IBAN DE89 für Jörg".encode())
        assert b"IBAN" not in stored
        assert self.field.from_db_value(memoryview(stored), None, None) == "IBAN DE89 für Jörg".encode()

    def test_rows_from_before_encryption_are_read_as_they_are(self):
        assert self.field.from_db_value(memoryview(b"plain,file\n"), None, None) == b"plain,file\n"

    def test_nothing_stays_nothing(self):
        assert self.field.get_prep_value(None) is None
        assert self.field.from_db_value(None, None, None) is None
