"""Demo data and simulated traffic: a made-up program, played through the functions that serve live traffic.

The files in `data` hold it: to add an affiliate, an offer, a story or an event is a change there. `program` stores what
exists before the first click; `clicks` makes the visits, `journeys` plays what follows from each, `slips` spoils some;
`desk` does what the operator's people do; `history` plays everything in the order of time; `seeding` runs it all.
`live` is separate: it sends requests to a running server.
"""
