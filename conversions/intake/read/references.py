"""The transaction of a sale that a source's refund or dispute names otherwise."""

from conversions.intake.case import Case
from conversions.intake.read.parse import finds_its_sale
from conversions.sources.references import transactions_of

STEP = "parse"


def resolve_references(cases: list[Case]) -> None:
    """Replace another name of a sale by its transaction; one query, and none without such requests."""
    cases = [case for case in cases if case.is_open and finds_its_sale(case)]
    if not cases:
        return
    advertisers = {case.postback.advertiser_id or 0 for case in cases}
    known = transactions_of(advertisers, {case.event.transaction_id for case in cases})
    for case in cases:
        name = case.event.transaction_id
        if transaction := known.get((case.postback.advertiser_id or 0, name)):
            case.event.transaction_id = transaction
            note = f"{name} is known as another name of {transaction}."
            case.note(STEP, "passed", note, rule="other names of sales", txid=transaction)
