from django.apps import AppConfig
from django.core.checks import Tags, register

from affiliates.checks import check_database_role


class AffiliatesConfig(AppConfig):
    name = "affiliates"
    verbose_name = "People & offers"

    def ready(self) -> None:
        register(check_database_role, Tags.database)
