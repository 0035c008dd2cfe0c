from django.apps import AppConfig
from django.core.checks import Tags, register

from affiliates.checks import check_database_role
from records.translation import gettext_lazy as _


class AffiliatesConfig(AppConfig):
    name = "affiliates"
    verbose_name = _("People & offers")

    def ready(self) -> None:
        register(check_database_role, Tags.database)
