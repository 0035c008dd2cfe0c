"""Limit the attempts to sign in to an account, so that no one else can lock its owner out.

Wrong attempts count for the account and the client's address together, so attempts from elsewhere do not affect the
owner's. Those of all addresses on one account are counted too; beyond that limit each address gets one attempt at a
time instead of several. That slows down guessing from many addresses, and stops no one who knows the password. Attempts
of one address on any account are allauth's own limit (`login_failed`). Redis counts, for all processes together.
"""

from allauth.core.internal import ratelimit
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from records.translation import gettext_lazy as _
from web.client_address import origin_of

APP = "affidavit"
PASSWORD, SECOND_FACTOR = "password", "second_factor"
# Per kind: wrong attempts of one address on an account; of all addresses; and of each address beyond those.
LIMITS = {
    PASSWORD: {"together": "5/5m/key", "account": "20/5m/key", "slowed": "1/m/key"},
    SECOND_FACTOR: {"together": "5/5m/key", "account": "10/5m/key", "slowed": "1/5m/key"},
}
TOO_MANY = _("Too many failed attempts from your address. Wait five minutes, then try again.")

Uses = list[ratelimit.RateLimitUsage]


def count_try(request: HttpRequest, *, kind: str, account: str) -> Uses:
    """Count an attempt before it is checked; raise `ValidationError` for one too many.

    Pass the result to `forget` if the attempt was right: only wrong ones count.
    """
    both = f"{kind}:{account}:{origin_of(request.META.get('REMOTE_ADDR'))}"
    used = [_use(request, kind, "together", both)]
    everyone = _use(request, kind, "account", f"{kind}:{account}")
    used.append(everyone or _use(request, kind, "slowed", both))
    if None in used:
        raise ValidationError(TOO_MANY, code="too_many_login_attempts")
    return [each for each in used if each]


def forget(uses: Uses) -> None:
    """Remove a successful attempt from the count."""
    for each in uses:
        each.rollback()


def start_anew(request: HttpRequest, *, account: str) -> None:
    """Reset the counts of an account whose password was changed, for all addresses and for this client."""
    origin = origin_of(request.META.get("REMOTE_ADDR"))
    for limit, key in (("together", f"{account}:{origin}"), ("account", account), ("slowed", f"{account}:{origin}")):
        ratelimit.clear(request, app=APP, action=limit, config=LIMITS[PASSWORD], key=f"{PASSWORD}:{key}")


def _use(request: HttpRequest, kind: str, limit: str, key: str) -> ratelimit.RateLimitUsage | None:
    return ratelimit.consume(request, app=APP, action=limit, config=LIMITS[kind], key=key)
