"""Keys for the REST API: created once, shown once, stored as a digest."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from affiliates.access.wrong_keys import count_wrong_key
from affiliates.models import Affiliate, ApiKey, User
from records.secrets import digest, new_token


def make_api_key(
    *, user: User, name: str, affiliate: Affiliate | None = None, key: str | None = None
) -> tuple[ApiKey, str]:
    """Store a new key and return it with its text, which is not stored and cannot be shown again."""
    key = key or new_token("afk")
    row = ApiKey.objects.create(user=user, affiliate=affiliate, name=name, digest=digest(key), hint=key[:8])
    return row, key


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer afk_...`; `request.auth` is the ApiKey, whose affiliate limits the visible rows."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        parts = get_authorization_header(request).decode("latin-1").split()
        if not parts or parts[0].lower() != "bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send the key as: Authorization: Bearer afk_...")
        key = (
            ApiKey.objects.select_related("user", "affiliate").filter(digest=digest(parts[1]), revoked_at=None).first()
        )
        if key is None or not key.user.is_active:
            count_wrong_key(request.META.get("REMOTE_ADDR"))
            raise AuthenticationFailed("This API key is unknown or was revoked. Make a new one on the API keys page.")
        self._note_use(key)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    @staticmethod
    def _note_use(key: ApiKey) -> None:
        """Store the time of the last use to the minute: at most one write a minute, however many requests arrive."""
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(minutes=1))
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
