from django.apps import AppConfig
from django.core.checks import register

from payouts.checks import check_anchor_keys


class PayoutsConfig(AppConfig):
    name = "payouts"
    verbose_name = "Money"

    def ready(self) -> None:
        register(check_anchor_keys)
