"""Self-billing: the invoices for commission that the operator writes in its affiliates' names.

`issue.py` writes them, from what `basis.py` reads of statements and by the tax rules of `tax.py` and the rates of
`vat_rates.py`; `billing.py` stores the billing details of both sides, `numbers.py` numbers them, `pending.py` lists
what is missing.
"""
