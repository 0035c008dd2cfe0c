"""Protection of closed periods: the seal of each statement, and the anchors stored outside the database."""

import secrets
from typing import ClassVar

from django.db import models

from affiliates.models import Affiliate
from payouts.models.paying import Statement
from records.append_only import append_only
from records.translation import gettext_lazy as _


def new_salt() -> str:
    return secrets.token_hex(32)


class StatementSeal(models.Model):
    """The hash over every field of a statement, and of the statement before it (`payouts.anchors.seals`)."""

    statement = models.OneToOneField(Statement, models.PROTECT, primary_key=True, related_name="seal")
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, db_index=False, related_name="+")
    position = models.PositiveBigIntegerField(
        help_text=_("The statement's number in the affiliate's row of statements.")
    )
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        triggers: ClassVar = append_only("statement_seal_append_only")
        constraints = [
            models.UniqueConstraint(fields=["affiliate", "position"], name="statement_seal_gap_free_position")
        ]

    def __str__(self) -> str:
        return self.hash


class AnchorAccount(models.Model):
    """The salt that hides whose statement an anchor names; the affiliate has it in its proofs."""

    affiliate = models.OneToOneField(Affiliate, models.PROTECT, primary_key=True, related_name="+")
    salt = models.CharField(max_length=64, default=new_salt)

    class Meta:
        triggers: ClassVar = append_only("anchor_account_append_only")

    def __str__(self) -> str:
        return f"Anchors of {self.affiliate}"


class AnchorKey(models.Model):
    """A public key that anchors were signed with. It stays when its private key is gone."""

    number = models.PositiveIntegerField(primary_key=True)
    public_key = models.CharField(max_length=64, unique=True, help_text=_("Ed25519, 32 bytes in hex digits."))
    since = models.DateTimeField()

    class Meta:
        triggers: ClassVar = append_only("anchor_key_append_only")

    def __str__(self) -> str:
        return f"Key {self.number}"


class Anchor(models.Model):
    """The statements of a close, as one signed line of JSON that follows the line before (`payouts.anchors`)."""

    number = models.PositiveBigIntegerField(primary_key=True)
    made_at = models.DateTimeField()
    count = models.PositiveIntegerField(help_text=_("Statements that it names."))
    root = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    line = models.TextField()

    class Meta:
        ordering = ["number"]
        triggers: ClassVar = append_only("anchor_append_only")

    def __str__(self) -> str:
        return f"Anchor {self.number}"


class AnchoredStatement(models.Model):
    """Which anchor names a statement."""

    statement = models.OneToOneField(Statement, models.PROTECT, primary_key=True, related_name="anchored")
    anchor = models.ForeignKey(Anchor, models.PROTECT, related_name="statements")

    class Meta:
        triggers: ClassVar = append_only("anchored_statement_append_only")

    def __str__(self) -> str:
        return f"{self.statement} in {self.anchor}"


class AnchorFile(models.Model):
    """The progress of a file of anchors, and the error that stops it."""

    path = models.CharField(max_length=500, primary_key=True)
    written = models.PositiveBigIntegerField(default=0, help_text=_("The last anchor that it holds."))
    error = models.CharField(max_length=500, blank=True)
    checked_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.path
