"""Demo data and simulated traffic: a made-up program, played through the functions that serve live traffic.

The TOML files in `program` define it and `groundwork` stores it; `traffic` makes the clicks; `journeys`, `stories` and
`mishaps` make the advertisers' requests; `history` plays everything in chronological order; `seeding` runs it all.
`simulation` is separate: it sends requests to a running server.
"""
