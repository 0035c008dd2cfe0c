"""The columns of lists of commission and money."""
