"""What is stored of a visitor, and what is passed on, for each consent: the setting `CLICK_CONSENT` decides.

The click and its ID are always recorded: without them no commission can be owed to anyone. What is left out is what
names or follows the visitor: the cookie, the full address, the user agent once it was looked at, the page before.
"""

from django.conf import settings

from tracking.consent.signals import State

# Honour what was said, and treat silence as before; require consent, so that silence is a refusal; only record it.
HONOUR, REQUIRE, RECORD = "honour", "require", "record"
POLICIES = (HONOUR, REQUIRE, RECORD)
_REFUSED: dict[str, tuple[str, ...]] = {
    HONOUR: (State.DENIED, State.UNKNOWN),
    REQUIRE: ("", State.DENIED, State.UNKNOWN),
    RECORD: (),
}
# No advertising ID of a network leaves with a visitor who opted out of that, or who refused.
_NOT_PASSED: dict[str, tuple[str, ...]] = {
    policy: (*refused, State.LIMITED) if refused else () for policy, refused in _REFUSED.items()
}
# The IDs by which advertising networks know a visitor, as link parameters.
NETWORK_IDS = frozenset((
        "fbclid", "gclid", "gbraid", "wbraid", "dclid", "msclkid", "ttclid", "twclid", "li_fat_id", "igshid",
        "igsh", "yclid", "mc_eid", "_ga", "_gl", "sccid", "epik", "rdt_cid", "srsltid", "idfa", "gaid",
        "advertising_id",
))  # fmt: skip


def refused_states() -> tuple[str, ...]:
    """The states in which nothing personal is stored: no cookie, no full address, no user agent after its marks."""
    return _REFUSED[settings.CLICK_CONSENT]


def may_store(state: str) -> bool:
    return state not in _REFUSED[settings.CLICK_CONSENT]


def may_pass_on(state: str) -> bool:
    """Whether the visitor's IDs of advertising networks may leave, in a destination or later."""
    return state not in _NOT_PASSED[settings.CLICK_CONSENT]
