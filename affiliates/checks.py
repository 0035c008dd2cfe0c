"""System checks of the database itself; run with `manage.py check --database default`, and before migrating."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.db import DEFAULT_DB_ALIAS, connection

from affiliates.database_roles import weakness


def check_database_role(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn when the application's role could alter history. Skipped on the owner's own connection."""
    is_application = connection.settings_dict["USER"] == settings.DATABASES["default"]["USER"]
    if DEFAULT_DB_ALIAS not in (databases or ()) or not is_application:
        return []
    with connection.cursor() as cursor:
        weak = weakness(cursor)
    return [Warning(weak, id="affiliates.W001")] if weak else []
