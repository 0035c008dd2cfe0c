"""Dialects: other platforms' parameters, translated to ours, and answers in their form.

`mapping.py` defines how a request is read, `table.py` has a row for each platform, `answers.py` writes the answers.
"""
