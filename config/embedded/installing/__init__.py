"""What `bootstrap.py` does before any package is installed: standard library only, and relative imports only.

A newer Python is looked for first, so an old one must be able to parse all of this (a test checks that).
"""
