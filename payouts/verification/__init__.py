"""Verification of the whole ledger."""
