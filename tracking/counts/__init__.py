"""Clicks added up by hour and day."""
