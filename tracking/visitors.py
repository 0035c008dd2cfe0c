"""The visitor cookie's ID. It begins with the milliseconds when it was made, as a click ID does (UUID version 7).

So a click tells by itself whether its visitor brought the cookie along or was given it there and then.
"""

import secrets
from uuid import UUID


def new_visitor(milliseconds: int) -> UUID:
    """An ID for a visitor who brought none to the click made at this time."""
    chance = secrets.randbits(74)
    return UUID(int=milliseconds << 80 | 7 << 76 | (chance >> 62) << 64 | 2 << 62 | chance & (1 << 62) - 1)


def is_new(visitor: str | None, click: str) -> bool:
    """Whether there was no cookie: none is stored, or it is as old as the click. Both as 36 characters."""
    return visitor is None or visitor[:13] == click[:13]
