"""Operators and affiliates: who signs in, and who earns."""

from typing import Any, ClassVar

import pgtrigger
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext

from affiliates import events
from affiliates.roles.grants import builtin, combined, grants_of
from affiliates.roles.reach import Affiliates, affiliates_within, reaches, within
from affiliates.roles.table import ADMINISTRATOR, MEMBER_ROLES, ROLES, Role
from records import public_ids
from records.advisory_locks import Lock
from records.append_only import append_only
from records.countries import country_code
from records.money import CurrencyField
from records.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Users are known by their e-mail address; there is no user name."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})


def _choices(roles: tuple[Role, ...]) -> list[tuple[str, str]]:
    return [(role.code, role.title) for role in roles]


class CustomRole(models.Model):
    """A role that this program has made for itself: roles and actions of the table under a name of its own."""

    name = models.CharField(max_length=60)
    description = models.CharField(max_length=250, blank=True, help_text=_("Whom it is for, in a few words."))
    roles = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    actions = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    only_assigned = models.BooleanField(
        default=False,
        verbose_name=_("only for assigned affiliates"),
        help_text=_("Everything in the role is then for the affiliates assigned to its holder, and no others."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [models.UniqueConstraint(Lower("name"), name="custom_role_once")]

    def __str__(self) -> str:
        return self.name

    def as_roles(self) -> list[Role]:
        return combined(
            code=f"custom-{self.pk}",
            title=self.name,
            words=self.description,
            roles=self.roles,
            actions=self.actions,
            only_assigned=self.only_assigned,
        )


class User(AbstractUser):
    """A person who signs in: an operator when `is_staff`, else a member of an affiliate.

    What an operator may do comes from the roles; an administrator is Django's superuser.
    """

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField(max_length=120, blank=True)
    email = models.EmailField(unique=True)
    time_zone = models.CharField(max_length=60, default="UTC", help_text=_("Pages show times in this zone."))
    roles = ArrayField(
        models.CharField(max_length=20, choices=_choices(ROLES)), default=list, blank=True, verbose_name=_("roles")
    )
    custom_roles = models.ManyToManyField(
        CustomRole, blank=True, related_name="users", verbose_name=_("roles of this program")
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(
                condition=Q(roles__contained_by=[role.code for role in ROLES]), name="user_roles_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name or self.email

    def held_roles(self) -> list[Role]:
        """The roles that the person holds as an operator, those of the program's own making included."""
        if not self.is_staff:
            return []
        own = [role for each in self.custom_roles.all() for role in each.as_roles()]
        return [*([ADMINISTRATOR] if self.is_superuser else []), *builtin(self.roles), *own]

    @cached_property
    def has_limits(self) -> bool:
        """Whether some of what the person may do is for assigned affiliates only."""
        return not self.is_superuser and bool(grants_of(self).assigned)

    def affiliates_within(self, *permissions: str) -> Affiliates:
        """The affiliates for which the person has all of these permissions; None is all."""
        return affiliates_within(self, *permissions)

    def rows_within(self, rows: Any, *permissions: str) -> Any:
        """The rows that the person may view, or has these permissions for: see `affiliates.roles.reach`."""
        return within(self, rows, *permissions)

    def reaches(self, row: models.Model, *permissions: str) -> bool:
        return reaches(self, row, *permissions)


# Parents are stored with the moment from which they apply; a circle, also one made by two changes at once, is refused.
_KEEP_PARENTS = f"""
IF NEW.parent_id IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock({Lock.PARENTS}, 0);
    IF EXISTS (
        WITH RECURSIVE above(id) AS (
            SELECT NEW.parent_id
            UNION SELECT row.parent_id FROM affiliates_affiliate row JOIN above ON row.id = above.id
            WHERE row.parent_id IS NOT NULL
        ) SELECT FROM above WHERE id = NEW.id
    ) THEN
        RAISE EXCEPTION 'affiliate_parents_in_a_circle: % stands above its own parent', NEW.name
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END IF;
IF TG_OP = 'UPDATE' THEN
    INSERT INTO affiliates_parentage (affiliate_id, parent_id, since) VALUES (NEW.id, NEW.parent_id, clock_timestamp());
ELSIF NEW.parent_id IS NOT NULL THEN
    INSERT INTO affiliates_parentage (affiliate_id, parent_id, since) VALUES (NEW.id, NEW.parent_id, NULL);
END IF;
RETURN NULL;
"""  # noqa: S608 - only the number of a lock is put in


class Affiliate(models.Model):
    """A company or person that sends visitors and earns commission."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for approval")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        CLOSED = "closed", _("Closed")

    public_id = models.CharField(max_length=16, unique=True, default=public_ids.affiliate_id, editable=False)
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=12, choices=Status, default=Status.PENDING)
    status_note = models.CharField(max_length=250, blank=True, help_text=_("Why; the affiliate sees it."))
    country = models.CharField(max_length=2, validators=[country_code])
    currency = CurrencyField(default="EUR", help_text=_("The currency the affiliate is paid in."))
    website = models.URLField(blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        triggers: ClassVar = [
            events.affiliate_created,
            events.affiliate_changed,
            pgtrigger.Trigger(
                name="affiliate_joins_parent",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__parent__isnull=False),
                func=_KEEP_PARENTS,
            ),
            pgtrigger.Trigger(
                name="affiliate_changes_parent",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__parent__df=pgtrigger.F("new__parent")),
                func=_KEEP_PARENTS,
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(parent=F("id")), name="affiliate_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        above, seen = self.parent, set[int]()
        while above is not None and above.pk not in seen:
            if above.pk == self.pk:
                raise ValidationError(
                    {
                        "parent": gettext("{parent} stands below {value}: parents cannot form a circle.").format(
                            parent=self.parent, value=self
                        )
                    }
                )
            seen.add(above.pk)
            above = above.parent


class Parentage(models.Model):
    """The parent of an affiliate from a moment on; the database writes it. Events use the parent at their time."""

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="parentage")
    parent = models.ForeignKey(Affiliate, models.PROTECT, null=True, related_name="+")
    since = models.DateTimeField(null=True, help_text=_("Empty: from the beginning."))

    class Meta:
        ordering = ["id"]
        verbose_name_plural = _("parents over time")
        triggers: ClassVar = append_only("parentage_append_only")

    def __str__(self) -> str:
        return f"{self.affiliate}: {self.parent or 'no parent'}"


class Assignment(models.Model):
    """An operator who looks after an affiliate. Roles for assigned affiliates reach these and no others."""

    affiliate = models.ForeignKey(Affiliate, models.CASCADE, related_name="assignments")
    manager = models.ForeignKey(
        User, models.CASCADE, related_name="assignments", limit_choices_to={"is_staff": True}, verbose_name=_("manager")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("manager")
        constraints = [models.UniqueConstraint(fields=["manager", "affiliate"], name="assigned_once")]

    def __str__(self) -> str:
        return f"{self.manager}: {self.affiliate}"


def _reads_only() -> list[str]:
    return ["read_only"]


class AffiliateMember(models.Model):
    """A user who may see and act for an affiliate."""

    OWNER = "owner"

    affiliate = models.ForeignKey(Affiliate, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    roles = ArrayField(
        models.CharField(max_length=20, choices=_choices(MEMBER_ROLES)), default=_reads_only, verbose_name=_("roles")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["affiliate", "user"], name="member_once_per_affiliate"),
            models.CheckConstraint(
                condition=Q(roles__contained_by=[role.code for role in MEMBER_ROLES]) & Q(roles__len__gt=0),
                name="member_roles_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} of {self.affiliate}"
