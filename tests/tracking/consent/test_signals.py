"""What a link says about consent: published consent strings, words, and whatever else may come."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.consent.signals import LIMITS, LONGEST_BASIS, NOTHING_SAID, State, read_consent
from tracking.consent.tcf import NoConsentString, decode

# Of the framework's specification, of its reference implementation and of a parser in Perl, with what each publishes.
SPECIFICATION = (
    "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBA"
    "AgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw"
)
EMPTY = "COrVd1pOrVd1pACABCENAHCAAAAAAAAAAAiQAAAAAAAA"
FOUR_PURPOSES = "CLcVDxRMWfGmWAVAHCENAXCkAKDAADnAABRgA5mdfCKZuYJez-NQm0TBMYA4oCAAGQYIAAAAAAEAIAEgAA.argAC0gAAAAAAAAAAAA"


def made(*purposes: int, interests: tuple[int, ...] = (), version: int = 2) -> str:
    """A consent string with these purposes, written field by field as the specification has them."""

    def field(value: int, length: int) -> str:
        return f"{value:0{length}b}"

    def numbers(chosen: tuple[int, ...]) -> str:
        return "".join("1" if number in chosen else "0" for number in range(1, 25))

    bits = field(version, 6) + field(17_000_000_000, 36) * 2 + field(300, 12) + field(1, 12) + field(0, 6)
    bits += field(0, 12) + field(200, 12) + field(5, 6) + "1" + "0" + field(0, 12) + numbers(purposes)
    bits += numbers(interests) + "0" + field(0, 12) + (field(3, 16) + "0" + "101") * 2 + field(0, 12)
    bits += "0" * (-len(bits) % 24)
    return base64.urlsafe_b64encode(int(bits, 2).to_bytes(len(bits) // 8)).decode()


@pytest.mark.parametrize(
    ("text", "platform", "day", "purposes"),
    [
        (SPECIFICATION, 27, "2020-02-20", {1, 2, 3}),
        (EMPTY, 2, "2019-12-10", set()),
        (FOUR_PURPOSES, 21, "2012-01-10", {1, 3, 9, 10}),
        (made(1, 7, 24), 300, "2023-11-14", {1, 7, 24}),
    ],
)
def test_published_consent_strings_are_read_as_their_publishers_say(text, platform, day, purposes):
    found = decode(text)
    assert (found.platform, str(found.updated_on), found.consents) == (platform, day, purposes)


@pytest.mark.parametrize(
    ("query", "state"),
    [
        ({}, ""),
        ({"sub1": "x"}, ""),
        ({"consent": " "}, ""),
        ({"consent": "Granted"}, "granted"),
        ({"consent": "opt-in"}, "granted"),
        ({"consent": "DENIED"}, "denied"),
        ({"consent": "0"}, "denied"),
        ({"consent": "limited"}, "limited"),
        ({"consent": "perhaps"}, "unknown"),
        ({"consent": "{consent}"}, "unknown"),
        ({"gdpr": "0"}, "not_required"),
        ({"gdpr": "0", "gdpr_consent": "broken"}, "not_required"),
        ({"gdpr": "1"}, "denied"),
        ({"gdpr": "1", "consent": "granted"}, "granted"),
        ({"gdpr": "yes"}, "unknown"),
        ({"gdpr_consent": made(1, 7)}, "granted"),
        ({"gdpr": "1", "gdpr_consent": made(1, interests=(7,))}, "granted"),
        ({"gdpr": "1", "gdpr_consent": made(7)}, "denied"),
        ({"gdpr": "1", "gdpr_consent": made(1)}, "denied"),
        ({"gdpr": "1", "gdpr_consent": made(1, 7, version=1)}, "unknown"),
        ({"gdpr": "1", "gdpr_consent": made(1, 7)[:30]}, "unknown"),
        ({"gdpr": "1", "gdpr_consent": SPECIFICATION[:44]}, "unknown"),
        ({"gdpr": "1", "gdpr_consent": "${GDPR_CONSENT_123}"}, "unknown"),
        ({"gdpr": "1", "gdpr_consent": "A" * 5000}, "unknown"),
        ({"gcs": "G111"}, "granted"),
        ({"gcs": "g100"}, "denied"),
        ({"gcs": "G1--"}, ""),
        ({"gcs": "x"}, "unknown"),
        ({"gcd": "11t1t1t1t5"}, "granted"),
        ({"gcd": "13p3p3t3p5"}, "denied"),
        ({"gcd": "11l1l1l1l5"}, ""),
        ({"gcd": "11x1x1x1x5"}, "unknown"),
        ({"us_privacy": "1YYN"}, "limited"),
        ({"us_privacy": "1ynn"}, "not_required"),
        ({"us_privacy": "1---"}, "not_required"),
        ({"us_privacy": "2YYN"}, "unknown"),
        ({"consent": "granted", "gcs": "G100"}, "denied"),
        ({"consent": "granted", "gdpr_consent": "broken!"}, "unknown"),
        ({"consent": "granted", "us_privacy": "1YYN"}, "limited"),
        ({"consent": "granted", "gdpr": "0"}, "granted"),
    ],
)
def test_each_signal_has_its_state_and_the_strictest_counts(query, state):
    found = read_consent(query)
    assert found.state == state
    assert bool(found.basis) == bool(state)


def test_a_value_that_is_not_read_is_named_with_the_reason():
    assert read_consent({"gdpr_consent": "CO!"}).basis == (
        "gdpr_consent was not read, for it has characters that no consent string has: CO!"
    )


@given(st.dictionaries(st.sampled_from(sorted(LIMITS)), st.one_of(st.text(max_size=60), st.binary(max_size=60).map(
    lambda value: base64.urlsafe_b64encode(value).decode())), max_size=6))  # fmt: skip
def test_whatever_is_sent_has_one_of_the_states_and_a_short_basis_of_one_line(query):
    found = read_consent(query)
    assert found == NOTHING_SAID or found.state in {*State}
    assert len(found.basis) <= LONGEST_BASIS
    assert found.basis.isprintable()


@given(st.sampled_from([SPECIFICATION, EMPTY, FOUR_PURPOSES, made(1, 7)]), st.data())
def test_a_string_that_was_cut_never_gains_a_purpose(text, data):
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    try:
        found = decode(cut)
    except NoConsentString:
        return
    assert found.consents == decode(text).consents
