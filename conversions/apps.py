from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.core.checks import register
from django.http import HttpRequest
from django.utils import timezone

from conversions.checks import check_appeals, check_parking
from records.translation import gettext_lazy as _


class ConversionsConfig(AppConfig):
    name = "conversions"
    verbose_name = _("Conversions")

    def ready(self) -> None:
        register(check_parking)
        register(check_appeals)
        user_logged_in.connect(_note_sign_in, dispatch_uid="risk")


def _note_sign_in(sender: object, request: HttpRequest | None, user: Any, **kwargs: object) -> None:
    """Store from which address an affiliate signs in, to recognise clicks on its own links."""
    from conversions.risk.signals import note_sign_in

    # The client's address, set by the first middleware.
    address = request.META.get("REMOTE_ADDR") if request else None
    if address and not user.is_staff:
        note_sign_in(user_id=user.pk, address=address, now=timezone.now())
