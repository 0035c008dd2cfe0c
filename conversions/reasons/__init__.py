"""Reason codes, their explanations and remedies, and the page that documents them."""
