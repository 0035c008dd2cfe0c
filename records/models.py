"""The event table: one row for each thing that happened, in an order that readers can follow."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from records.append_only import append_only


class Event(models.Model):
    """One thing that happened, written in the transaction that made it happen.

    IDs rise, with gaps where a transaction was rolled back. A row may appear after rows with higher IDs, because its
    transaction took longer: read events with `records.events.reading`, which never skips one.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=40)
    # The row that it happened to: of the table that the first word of the kind names.
    subject_id = models.BigIntegerField()
    affiliate_id = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())
    data = models.JSONField(default=dict, db_default={})

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = append_only("event_append_only")
        indexes = [models.Index(fields=["kind", "subject_id"], name="event_by_subject")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"


class EventCursor(models.Model):
    """How far a reader of events has come. Its row lock lets one process at a time read for it."""

    reader = models.CharField(max_length=60, primary_key=True)
    # The last event that was read, or passed over.
    event_id = models.BigIntegerField()
    moved_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.reader} at {self.event_id}"
