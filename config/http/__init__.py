"""Middleware for every request: proxies, bodies, security headers, files for robots."""
