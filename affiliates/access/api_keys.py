"""Keys for the REST API: created and shown once to the person they act for, stored as a digest."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from affiliates.access.wrong_keys import count_wrong_key
from affiliates.models import Affiliate, ApiKey, User
from affiliates.roles.scopes import all_scopes
from records.secrets import digest, new_token

# How long the old secret may stay valid after a rotation.
MOST_HOURS = 24 * 14
UNKNOWN = "This API key is unknown or was revoked. Make a new one on the API keys page."


class AddressNotAllowed(PermissionDenied):
    """The key is right, but may not be used from this address."""

    default_code = "address_not_allowed"

    def __init__(self, address: str) -> None:
        super().__init__(
            f"This API key may not be used from {address}. Add the address to the key's allowed addresses on the API "
            "keys page, or send from an allowed one."
        )


def make_api_key(
    *,
    user: User,
    name: str,
    affiliate: Affiliate | None = None,
    key: str | None = None,
    scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None,
    addresses: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """Store a new key and return it with its text, which is not stored and cannot be shown again.

    Without scopes named it has all.
    """
    key = key or new_token("afk")
    row = ApiKey.objects.create(
        user=user,
        affiliate=affiliate,
        name=name,
        digest=digest(key),
        hint=key[:8],
        scopes=all_scopes() if scopes is None else list(scopes),
        expires_at=expires_at,
        addresses=list(addresses),
    )
    return row, key


@transaction.atomic
def rotate_api_key(*, key_id: int, keep_hours: int, now: datetime) -> str:
    """Give the key a new secret and return it; the old one stays valid for so many hours, at most two weeks.

    A secret that an earlier rotation left valid ends now: there are never more than two. Locks the key.
    """
    if not 0 <= keep_hours <= MOST_HOURS:
        raise ValueError(f"The old secret stays valid for 0 to {MOST_HOURS} hours, not {keep_hours}.")
    row = ApiKey.objects.select_for_update().get(pk=key_id, revoked_at=None)
    text = new_token("afk")
    row.old_digest, row.old_until = (row.digest, now + timedelta(hours=keep_hours)) if keep_hours else (None, None)
    row.digest, row.hint = digest(text), text[:8]
    row.save(update_fields=["digest", "hint", "old_digest", "old_until"])
    return text


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer afk_...`; `request.auth` is the ApiKey, whose affiliate limits the visible rows."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        parts = get_authorization_header(request).decode("latin-1").split()
        if not parts or parts[0].lower() != "bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send the key as: Authorization: Bearer afk_...")
        now, address = timezone.now(), request.META.get("REMOTE_ADDR") or ""
        key = keys_of(parts[1], now).select_related("user", "affiliate").first()
        if key is None or not key.user.is_active:
            count_wrong_key(address)
            raise AuthenticationFailed(UNKNOWN)
        if key.expires_at and key.expires_at <= now:
            raise AuthenticationFailed(
                f"This API key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC. Make a new one on the API keys page."
            )
        if key.addresses and not _is_listed(address, key.addresses):
            raise AddressNotAllowed(address or "an unknown address")
        _note_use(key, address, now)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def keys_of(text: str, now: datetime) -> "QuerySet[ApiKey]":
    """The key of this secret: its present one, or the old one while that is valid. It may have expired."""
    found = digest(text)
    return ApiKey.objects.filter(Q(digest=found) | Q(old_digest=found, old_until__gt=now), revoked_at=None)


def _is_listed(address: str, networks: Sequence[str]) -> bool:
    try:
        given = ip_address(address)
    except ValueError:
        return False
    return any(given in ip_network(each, strict=False) for each in networks)


def _note_use(key: ApiKey, address: str, now: datetime) -> None:
    """Store the time and address of the last use to the minute: at most one write a minute, however many requests."""
    minute_ago = now - timedelta(minutes=1)
    if key.last_used_at and key.last_used_at > minute_ago:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=minute_ago)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now, last_used_from=_stored(address))


def _stored(address: str) -> str | None:
    try:
        return str(ip_address(address))
    except ValueError:
        return None
