from django.apps import AppConfig
from django.core.checks import register

from payouts.checks import check_anchor_keys
from records.translation import gettext_lazy as _


class PayoutsConfig(AppConfig):
    name = "payouts"
    verbose_name = _("Money")

    def ready(self) -> None:
        register(check_anchor_keys)
