"""Kinds of qualification rules: one file for each, with everything that differs between them."""
