"""The columns of lists of conversions and offers."""
