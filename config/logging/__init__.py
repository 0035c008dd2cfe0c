"""Logs: format, request IDs, bounded tracebacks, masked secrets."""
