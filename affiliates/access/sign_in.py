"""Sign-in: rules for django-allauth."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from affiliates.access.sign_in_limits import PASSWORD, Uses, count_try, forget, start_anew


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by an operator's invitation; there is no open sign-up."""

    _uses: Uses

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Operators land in the operator panel, affiliates in their portal."""
        return "/admin/" if request.user.is_staff else "/"

    def get_client_ip(self, request: HttpRequest) -> str:
        """The client's address, which the first middleware has found behind the proxies."""
        return request.META.get("REMOTE_ADDR") or "unknown"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt: first for the client's address, then for the account."""
        self._uses = []
        super().pre_authenticate(request, **credentials)
        self._uses = count_try(request, kind=PASSWORD, account=_account(credentials))

    def _rollback_login_failed_rl_usage(self) -> None:
        super()._rollback_login_failed_rl_usage()
        forget(self._uses)

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Reset the counts after a new password was set. Those of the address on other accounts stay."""
        start_anew(request, account=_account(credentials))


def _account(credentials: dict[str, Any]) -> str:
    return str(credentials.get("email") or credentials.get("username") or "").strip().lower()
