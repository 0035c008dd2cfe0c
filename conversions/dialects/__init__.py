"""What other platforms send and expect: their parameters read as ours, their answers spoken.

`mapping.py` says how a request is read, `table.py` has a row for each platform, `answers.py` speaks.
"""
