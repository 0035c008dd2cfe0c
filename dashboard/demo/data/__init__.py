"""The demo's data files (TOML): each says at its top what its words mean."""

import tomllib
from pathlib import Path
from typing import Any

# What a file holds, in its own words.
Spec = dict[str, Any]


def _read(name: str) -> Spec:
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text())


OFFERS, PROGRAM, VISITORS = _read("offers"), _read("affiliates"), _read("visitors")
JOURNEYS, STORIES, SLIPS, CALENDAR = _read("journeys"), _read("stories"), _read("slips"), _read("calendar")
OFFER: dict[str, Spec] = {offer["name"]: offer for offer in OFFERS["offers"]}
# By code, the affiliate of a link and the link.
LINK: dict[str, tuple[Spec, Spec]] = {
    link["code"]: (affiliate, link) for affiliate in PROGRAM["affiliates"] for link in affiliate.get("links", ())
}
# Who can sign in: the operator, and some affiliates' owners.
OPERATOR: Spec = PROGRAM["operator"]
SIGN_IN: list[Spec] = [affiliate for affiliate in PROGRAM["affiliates"] if affiliate.get("signs_in")]
