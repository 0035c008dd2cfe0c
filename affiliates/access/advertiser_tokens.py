"""Requests of an advertiser's server to the REST API: by the token that its postbacks carry."""

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from affiliates.access.wrong_keys import count_wrong_key
from affiliates.models import AdvertiserSecret
from records.secrets import digest

HOW = "Send the advertiser's token as: Authorization: Bearer aft_..., the token that its postbacks carry."


class AdvertiserTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer aft_...`; `request.auth` is the secret, whose advertiser limits the visible rows."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, AdvertiserSecret] | None:
        parts = get_authorization_header(request).decode("latin-1").split()
        if not parts or parts[0].lower() != "bearer":
            return None
        tokens = AdvertiserSecret.objects.filter(kind=AdvertiserSecret.Kind.TOKEN, revoked_at=None)
        found = tokens.select_related("advertiser").filter(digest=digest(parts[-1])).first()
        if found is None or len(parts) != 2 or not found.advertiser.is_active:
            count_wrong_key(request.META.get("REMOTE_ADDR"))
            raise AuthenticationFailed(f"This token is unknown or was revoked. {HOW}")
        return AnonymousUser(), found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class WithToken(BasePermission):
    """For an advertiser's own token alone."""

    message = HOW

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, AdvertiserSecret)
