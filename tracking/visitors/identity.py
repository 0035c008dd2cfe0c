"""The visitor cookie's ID. It begins with the milliseconds when it was made, as a click ID does (UUID version 7).

So a click tells by itself whether its visitor brought the cookie along or was given it there and then.
"""

import os


def new_visitor(milliseconds: int) -> str:
    """An ID, as 32 hexadecimal digits, for a visitor who brought none to the click made at this time."""
    chance = os.urandom(10).hex()
    return f"{milliseconds:012x}7{chance[:3]}{'89ab'[int(chance[3], 16) & 3]}{chance[4:19]}"


def known_visitor(text: str) -> str | None:
    """The ID that a visitor brought along, as 32 hexadecimal digits; None when it is no UUID."""
    digits = text.replace("-", "").lower()
    try:
        return digits if len(digits) == 32 and len(bytes.fromhex(digits)) == 16 else None
    except ValueError:
        return None


def is_new(visitor: str | None, click: str) -> bool:
    """Whether there was no cookie: none is stored, or it is as old as the click. Both as 36 characters."""
    return visitor is None or visitor[:13] == click[:13]
