"""How long click data is stored: personal fields, expiry, erasure."""
