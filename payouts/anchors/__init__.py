"""Anchors: signed, chained hashes of a close's statements, stored where the database's owner cannot write.

Each close adds one line of JSON. The lines are stored in the database and in a file (`ANCHOR_FILE`), and published at
an address; a copy stored elsewhere shows later that a statement was replaced. See `payouts.anchors.records`.
"""
