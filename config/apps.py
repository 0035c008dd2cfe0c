from django.contrib.admin.apps import AdminConfig

from config.names import mark_names, quicken_labels
from config.source_language import skip_empty_catalogues


class OperatorPanelConfig(AdminConfig):
    """The admin, on this project's own site."""

    default_site = "config.admin_site.OperatorPanel"

    def ready(self) -> None:
        skip_empty_catalogues()
        mark_names()
        quicken_labels()
        super().ready()
