"""Decisions over many conversions at once, and what is held back from them."""
