"""Reason codes, their explanations and fixes, and the page that documents them."""
