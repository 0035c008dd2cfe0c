"""How long click data are kept: personal fields, expiry, erasure."""
