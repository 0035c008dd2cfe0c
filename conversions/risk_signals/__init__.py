"""Risk signals of a conversion: one file for each, with everything that differs between them."""
