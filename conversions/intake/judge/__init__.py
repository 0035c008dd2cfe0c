"""Judge an event: find its click, attribute, deduplicate, qualify, look at its risk."""
