"""Risk signals of a conversion, and their reviews."""
