from django.apps import AppConfig
from django.core.checks import register

from records.checks import check_event_months
from records.translation import gettext_lazy as _


class RecordsConfig(AppConfig):
    name = "records"
    verbose_name = _("Records")

    def ready(self) -> None:
        register(check_event_months)
