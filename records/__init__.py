"""Shared code for the rows of every app: money, public IDs, append-only triggers, bulk rows, secrets."""
