"""Pages that explain an answer to anyone: no sign-in, no data."""
