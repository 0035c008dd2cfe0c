"""Sign-in forms that allauth does not limit by itself: second factors and the mail for a new password."""

from typing import Any

from allauth.account.forms import ResetPasswordForm as BaseResetPasswordForm
from allauth.core import context, ratelimit
from allauth.mfa.base.forms import AuthenticateForm as BaseAuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as BaseReauthenticateForm
from django.http import HttpRequest

from affiliates.access.sign_in_limits import SECOND_FACTOR, count_try, forget
from affiliates.models import User


class CountedCode:
    """A second factor whose wrong attempts count for the account and the client's address together."""

    user: Any

    def clean_code(self) -> str:
        uses = count_try(context.request, kind=SECOND_FACTOR, account=str(self.user.pk))
        code: str = super().clean_code()  # type: ignore[misc]
        forget(uses)
        return code


class AuthenticateForm(CountedCode, BaseAuthenticateForm):
    pass


class ReauthenticateForm(CountedCode, BaseReauthenticateForm):
    pass


class ResetPasswordForm(BaseResetPasswordForm):
    """Limits how often a new mail is sent. An owner who asks after others did already has a mail with a valid link."""

    users: list[User]

    def clean_email(self) -> str:
        """allauth finds addresses stored in lower case only; operators type them as people write them."""
        email = str(super().clean_email())
        if not self.users:
            self.users = list(User.objects.filter(email__iexact=email, is_active=True))
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email: str = self.cleaned_data["email"]
        if ratelimit.consume(request, action="reset_password_mail", key=email.lower()):
            super().save(request, **kwargs)
        return email
