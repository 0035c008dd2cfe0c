"""Live traffic for a running server."""
