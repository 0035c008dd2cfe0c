"""The sixty days, and stories that show every status and common reason."""
