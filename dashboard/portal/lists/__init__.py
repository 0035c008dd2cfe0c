"""The portal's lists, one module each: which columns, in which order they stand, and what the page says around them."""
