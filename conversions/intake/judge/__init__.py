"""Decide about an event: find its click, attribute, deduplicate, qualify, weigh its risk."""
