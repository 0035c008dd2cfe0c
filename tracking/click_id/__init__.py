"""The click ID: its form and signature, its keys, and how to read one from any text."""
