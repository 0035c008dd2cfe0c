"""Opaque public identifiers: they reveal no count and cannot be guessed."""

import secrets

# No vowels and no look-alikes: an ID can be read aloud or typed, and spells nothing.
ALPHABET = "23456789bcdfghjkmnpqrstvwxyz"


# Bytes to letters, each equally often: bytes beyond the last whole round of the alphabet are thrown away.
_WHOLE = 256 - 256 % len(ALPHABET)
_LETTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_BEYOND = bytes(range(_WHOLE, 256))


def opaque(length: int = 16) -> str:
    text = b""
    while len(text) < length:
        text += secrets.token_bytes(length).translate(_LETTERS, _BEYOND)
    return text[:length].decode()


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


def billed_clicks_id() -> str:
    return "bc_" + opaque(14)


def batch_id() -> str:
    return "pt_" + opaque(8)


def source_id() -> str:
    return "src_" + opaque(12)


def draft_id() -> str:
    return "dv_" + opaque(10)


def what_if_id() -> str:
    return "wi_" + opaque(10)
