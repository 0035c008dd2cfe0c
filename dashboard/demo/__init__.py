"""Demo data and simulated traffic: a made-up program, played through the functions that serve live traffic.

The TOML files in `program` say what it consists of, `groundwork` writes that down; `traffic` makes the clicks,
`journeys`, `stories` and `mishaps` what the advertisers send about them, `history` plays it all in the order
of time, `seeding` holds it together. `simulation` is apart: it sends requests to a running server.
"""
