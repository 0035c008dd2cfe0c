"""Triggers that write an event for each row that a statement inserts or changes.

They are triggers and not calls, so that no way of changing a row, a bulk statement or a command, forgets its event.
`select` gives four columns: the kind, the subject's ID, the affiliate's ID or NULL, and a JSON object of facts. It
reads `new_rows`, and for updates `old_rows` too.
"""

import pgtrigger

_WRITE = "INSERT INTO records_event (kind, subject_id, affiliate_id, data) {select}; RETURN NULL;"


def on_insert(name: str, select: str) -> pgtrigger.Trigger:
    """Write events of inserted rows."""
    return _trigger(name, pgtrigger.Insert, select, pgtrigger.Referencing(new="new_rows"))  # type: ignore[no-untyped-call]


def on_update(name: str, select: str) -> pgtrigger.Trigger:
    """Write events of changed rows. Every UPDATE of the table runs it: for tables that rarely change."""
    return _trigger(name, pgtrigger.Update, select, pgtrigger.Referencing(old="old_rows", new="new_rows"))  # type: ignore[no-untyped-call]


def _trigger(
    name: str, operation: pgtrigger.Operation, select: str, referencing: pgtrigger.Referencing
) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=referencing,
        func=_WRITE.format(select=" ".join(select.split())),
    )
