from django.contrib.admin.apps import AdminConfig


class OperatorPanelConfig(AdminConfig):
    """The admin, on this project's own site."""

    default_site = "config.admin_site.OperatorPanel"
