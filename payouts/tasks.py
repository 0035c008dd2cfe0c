"""Background work: each task calls one function, and may run twice or at the same time as itself."""

from celery import shared_task

from payouts.ledger import book_changes

BATCH = 1000


@shared_task(name="payouts.tasks.book")
def book() -> None:
    """Book what is due until nothing is left that no other worker holds."""
    while book_changes(limit=BATCH) == BATCH:
        pass
