"""IDs shown outside: as long as asked for, of letters that survive being read aloud, each as likely as another."""

from collections import Counter

from records.public_ids import ALPHABET, opaque


def test_an_id_is_as_long_as_asked_for():
    assert [len(opaque(length)) for length in (1, 7, 18, 300)] == [1, 7, 18, 300]


def test_every_letter_is_as_likely_as_another():
    """Of 280,000 letters each comes 10,000 times, give or take; a biased choice would be off by 11 %."""
    counted = Counter(opaque(280_000))
    assert set(counted) == set(ALPHABET)
    assert all(9_400 < number < 10_600 for number in counted.values())


def test_no_id_comes_twice():
    assert len({opaque(18) for _ in range(10_000)}) == 10_000
