"""The ledger: booking what is owed minus what is booked, and its hash chain."""
