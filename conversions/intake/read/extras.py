"""Further parameters of a request: the advertiser's own labels (`sub_id1`, `campaign`), stored with the event."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from conversions.dialects.mapping import NAMES, Mapping
from conversions.dialects.other_names import is_test_name
from conversions.intake.read.receive import SECRET_FIELDS, secret_names, without_tokens
from web.characters import visible
from web.http import clean

# Any beyond this number or length are stored only with the request.
MOST, NAME_LENGTH, VALUE_LENGTH = 20, 60, 200
# Parameters of other steps: sender, time of the signature, the customer's country, and the test flag.
OF_OTHER_STEPS = frozenset({"advertiser", "ts", "country", "test"})
# The names that our own form knows.
KNOWN = frozenset(name for names in NAMES.values() for name in names) | SECRET_FIELDS | OF_OTHER_STEPS


def extras_of(
    sent: Iterable[tuple[str, str]], mapping: Mapping, read: AbstractSet[str]
) -> tuple[dict[str, str], list[str]]:
    """The parameters that no rule reads, by lower-case name, with the first value of each; and the names left out.

    `read` are the further names that were read beside those of the mapping.
    """
    known = KNOWN if mapping.is_native else mapping.folded_names | secret_names(mapping) | OF_OTHER_STEPS
    kept: dict[str, str] = {}
    left: list[str] = []
    for raw, value in sent:
        name, value = clean(visible(raw).lower(), NAME_LENGTH + 1), without_tokens(value.strip())
        if not (name and value) or name in known or name in kept or name in read or is_test_name(name):
            continue
        if len(kept) < MOST and len(name) <= NAME_LENGTH and len(value) <= VALUE_LENGTH:
            kept[name] = clean(value, VALUE_LENGTH)
        else:
            left.append(name[:NAME_LENGTH])
    return kept, left
