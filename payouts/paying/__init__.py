"""Payouts, batches, payment methods and the files that banks get."""
