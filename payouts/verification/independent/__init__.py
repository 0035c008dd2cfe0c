"""Pricing a second time, to check the ledger: written from docs/commission.md, row by row, for people to read.

It shares no code with the pricing that books (`payouts.pricing`, `payouts.ledger`, `payouts.plans`), nor with its
helpers for money and periods: a contract of import-linter holds that. So an error in one of the two shows up as a
difference. Nothing here reads the database, and amounts are exact fractions until they are rounded.

`facts` are the stored rows; `terms` picks plan, version and rules; each file of `kinds` prices one kind of rule;
`limits` holds caps and the like; `account` goes through an affiliate's events on an offer in the order of time, and
`click_account` through its days of paid clicks.
"""
