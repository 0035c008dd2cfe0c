"""Closing a period: one immutable statement for each affiliate and currency."""
