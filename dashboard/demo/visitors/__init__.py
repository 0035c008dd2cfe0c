"""Visitors, their clicks and what they do after them."""
