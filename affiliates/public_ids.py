"""Opaque identifiers shown outside: they count nothing and cannot be guessed."""

import secrets

# No vowels and no look-alikes: an ID that is read aloud or typed survives, and spells nothing.
ALPHABET = "23456789bcdfghjkmnpqrstvwxyz"


def opaque(length: int = 16) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def affiliate_id() -> str:
    return "af_" + opaque(8)


def advertiser_id() -> str:
    return "ad_" + opaque(8)


def offer_id() -> str:
    return "of_" + opaque(8)


def link_code() -> str:
    return opaque(7)


def postback_id() -> str:
    return "pb_" + opaque(18)


def conversion_id() -> str:
    return "cv_" + opaque(18)


def payout_id() -> str:
    return "po_" + opaque(12)


def batch_id() -> str:
    return "pt_" + opaque(8)
