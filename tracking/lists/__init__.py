"""The columns of lists of links and clicks."""
