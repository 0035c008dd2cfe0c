"""Decisions about many conversions at once, and which of them are held back."""
