"""Exchange rates by day, and the feed that brings them."""
