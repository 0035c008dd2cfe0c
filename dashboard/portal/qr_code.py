"""Addresses as QR codes."""

from io import BytesIO
from typing import Literal

import segno

Kind = Literal["svg", "png"]
MEDIA_TYPES: dict[Kind, str] = {"svg": "image/svg+xml", "png": "image/png"}
# The quiet zone that ISO/IEC 18004 asks for, in modules.
QUIET_ZONE = 4
# How wide a picture is at most, in pixels; a module is a whole number of them.
WIDTH = 1024


def picture(address: str, kind: Kind) -> bytes:
    """Black on white, quiet zone included, so that it can be read on a page of any colour."""
    code = segno.make(address, error="m", micro=False)
    width, _ = code.symbol_size(border=QUIET_ZONE)
    made = BytesIO()
    code.save(made, kind=kind, scale=WIDTH // int(width), border=QUIET_ZONE, dark="#000", light="#fff")
    return made.getvalue()
