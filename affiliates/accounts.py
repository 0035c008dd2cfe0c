"""How people sign in: rules that django-allauth asks for."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by an operator's invitation; there is no open sign-up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Operators land in the operator panel, affiliates in their portal."""
        return "/admin/" if request.user.is_staff else "/"
