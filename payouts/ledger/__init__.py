"""The ledger: booking the amount owed minus the amount booked, and its hash chain."""
