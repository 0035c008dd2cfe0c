"""One browser for each role, and what an operator may do, changed from request to request."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction
from django.test import Client

from affiliates.models import AffiliateMember
from tests.dashboard.portal_pages import as_user
from tests.factories import AffiliateMemberFactory, OperatorFactory, SuperuserFactory

# Kept beside what a person does: sessions, and when a key was used.
BESIDE = ("django_session",)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    location: str
    writes: int
    text: str

    @property
    def is_refused(self) -> bool:
        """Nothing was shown and nothing done; asking to sign in, or leading operators to their panel, shows nothing."""
        led_away = self.location.startswith(("/accounts/login/", "/admin/login/"))
        led_away = led_away or (self.location == "/admin/" and not self.writes)
        return self.status in (401, 403, 404, 405) or (self.status == 302 and led_away)

    @property
    def is_right(self) -> bool:
        return not self.is_refused and self.status < 500


class People:
    """Anonymous, an affiliate's owner and member, a rival's owner, and operators with some permissions."""

    def __init__(self, owner: AffiliateMember) -> None:
        AffiliateMember.objects.filter(pk=owner.pk).update(roles=["owner"])
        member = AffiliateMemberFactory(affiliate=owner.affiliate, roles=["marketing", "read_only"])
        self.operator, self.group = OperatorFactory(), Group.objects.create(name="All")
        self.permissions = {
            f"{each.content_type.app_label}.{each.codename}": each
            for each in Permission.objects.select_related("content_type")
        }
        self.group.permissions.set(self.permissions.values())
        self.clients = {
            "anonymous": Client(),
            "owner": as_user(owner.user),
            "member": as_user(member.user),
            "rival": as_user(AffiliateMemberFactory(roles=["owner"]).user),
            "operator": as_user(self.operator),
            "superuser": as_user(SuperuserFactory()),
        }
        for client in self.clients.values():
            client.raise_request_exception = False

    def ask(self, role: str, method: str, path: str, data: Any = None, **more: Any) -> Answer:
        """The answer, with how many rows were written; afterwards everything is as it was."""
        with undone():
            before = written()
            answer = getattr(self.clients[role], method)(path, data, **more)
            text = "" if answer.streaming else answer.content.decode(errors="replace")
            return Answer(answer.status_code, answer.headers.get("Location", ""), written() - before, text)

    @contextmanager
    def allowed(self, *names: str) -> Iterator[None]:
        """The operator has these permissions and no others."""
        with undone():
            self.operator.user_permissions.add(*(self.permissions[name] for name in names))
            yield

    @contextmanager
    def allowed_all_but(self, *names: str) -> Iterator[None]:
        """The operator has every permission but these."""
        with undone():
            self.operator.groups.add(self.group)
            self.group.permissions.remove(*(self.permissions[name] for name in names))
            yield


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def written() -> int:
    """Rows written so far in this transaction, those of savepoints that were rolled back included."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables"
            " WHERE NOT relname = ANY(%s)",
            [list(BESIDE)],
        )
        return int(cursor.fetchone()[0])
