"""The judge steps: which conversion an event is about, who is credited, and whether it counts."""
