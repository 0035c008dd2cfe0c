"""What an event is about, whom it is credited to, and whether it counts: the steps that judge."""
