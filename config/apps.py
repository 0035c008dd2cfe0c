from django.contrib.admin.apps import AdminConfig

from config.names import mark_names


class OperatorPanelConfig(AdminConfig):
    """The admin, on this project's own site."""

    default_site = "config.admin_site.OperatorPanel"

    def ready(self) -> None:
        mark_names()
        super().ready()
