"""Anchors: signed, chained hashes of a close's statements, stored where the database's owner cannot write.

Each close adds one line of JSON. The lines stand in the database, in a file (`ANCHOR_FILE`) and at a public address;
a copy stored elsewhere shows later that a statement was replaced. See `payouts.anchors.records`.
"""
