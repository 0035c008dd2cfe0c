"""Masking of secrets in the log: tokens, keys, signatures, passwords and one-time links, in every line.

The finished line is masked, in any format and from any logger, so no caller has to remember it.
"""

import re
from collections.abc import Callable
from typing import Any

MASK = "•••"
# Ends of names whose values are secret. `upd_key` and `secure` are other platforms' names for a token.
_ENDS = r"token|secret|signature|password|passwd|pwd|api[_-]?key|apikey|upd_key|secure|authorization|hmac|sessionid"
# A name begins where no letter precedes it, so each is checked once; longer ones are no names.
_NAME = rf"(?<![\w.-])[\w.-]{{0,40}}?(?:{_ENDS})"
_QUOTE = r"(?:\\*[\"'])"
_VALUE = r"[^\s&;,\"'\\<>(){}\[\]|]+"
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"\b(Bearer|Basic)(\s+|%20|\+){_VALUE}", re.IGNORECASE), rf"\1 {MASK}"),
    # name=value, name%3Dvalue, "name": "value" and b'name', b'value' as headers are shown.
    (
        re.compile(rf"({_NAME}(?:=|%3D){_QUOTE}?|{_NAME}{_QUOTE}\s*[:,]\s*b?{_QUOTE}){_VALUE}", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    (re.compile(rf"([?&](?:key|sig|sign|hash|pass)=){_VALUE}", re.IGNORECASE), rf"\1{MASK}"),
    # Links that work once: to set a password, to confirm an address, to accept an invitation.
    (re.compile(rf"(/(?:reset/key|confirm-email|invitations?|consents?)/){_VALUE}", re.IGNORECASE), rf"\1{MASK}"),
    # The project's own, anywhere in a line.
    (re.compile(r"\baf[hkstw]_[A-Za-z0-9_-]{8,}"), MASK),
    # The password in the address of a server.
    (re.compile(r"(://[^\s/:@]{0,100}:)[^\s/@]{1,200}@"), rf"\1{MASK}@"),
)


def hide_secrets(line: str) -> str:
    """The line with every secret that can be known as one masked."""
    for pattern, shown in _SECRETS:
        line = pattern.sub(shown, line)
    return line


def masking(renderer: Callable[..., Any]) -> Callable[..., str]:
    """The renderer of a log's lines, with its output masked."""

    def render(logger: Any, method: str, event: Any) -> str:
        return hide_secrets(str(renderer(logger, method, event)))

    return render
