"""Conversions, postbacks, offers and decisions in the REST API."""
