"""History is appended, never edited: the database itself refuses to change these rows."""

import pgtrigger


def append_only(name: str) -> pgtrigger.Trigger:
    """A trigger that refuses UPDATE and DELETE, whoever asks."""
    return pgtrigger.Protect(name=name, operation=pgtrigger.Update | pgtrigger.Delete)
