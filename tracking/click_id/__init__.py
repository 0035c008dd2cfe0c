"""The click ID: its form and signature, its keys, and how one is read from any text."""
