"""Shared code of endpoints and pages: requests, client addresses, batching, bases of panel pages and REST API."""
