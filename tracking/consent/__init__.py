"""A visitor's consent: how it is read from a link, and what is stored and passed on because of it."""
