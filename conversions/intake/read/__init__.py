"""Read a request: store it, authenticate its sender, parse its parameters."""
