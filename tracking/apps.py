from django.apps import AppConfig
from django.core.checks import register

from records.translation import gettext_lazy as _
from tracking.checks import check_click_id_keys, check_consent, check_marks, check_retention


class TrackingConfig(AppConfig):
    name = "tracking"
    verbose_name = _("Traffic")

    def ready(self) -> None:
        register(check_click_id_keys)
        register(check_consent)
        register(check_marks)
        register(check_retention)
