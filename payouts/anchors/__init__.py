"""Anchors: what the statements of a close hash to, signed, chained, and kept where the database's owner cannot write.

Each close adds one line of JSON. The lines stand in the database, in a file (`ANCHOR_FILE`) and at a public address;
a copy of them that is kept elsewhere shows later that a statement was exchanged. See `payouts.anchors.records`.
"""
