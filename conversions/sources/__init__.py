"""Shops, billing systems and files that are read as they are: one file for each source, found by listing this package.

A source says how it proves itself, which of its events count, how they are read, and how an operator sets it up.
`base.py` has the parts of a source, `table.py` finds the files.
"""
