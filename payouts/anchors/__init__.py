"""Anchors: what the statements of a close hash to, signed, chained, and kept where the database's owner cannot write.

Each close adds one line of JSON. The lines stand in the database, in a file (`ANCHOR_FILE`) and at a public address;
whoever keeps a copy of them can show later that a statement was exchanged. See `payouts.anchors.records`.
"""
