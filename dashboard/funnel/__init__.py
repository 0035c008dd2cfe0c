"""The funnel: how many of the clicks of a period registered, deposited and bought."""
