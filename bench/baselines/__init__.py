"""Baselines for the project's own code: written in the ordinary way, not to look bad."""
