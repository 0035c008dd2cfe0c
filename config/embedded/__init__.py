"""The two commands on a bare machine: servers from wheels, the demo's supervisor, the tests' servers.

For trying out and for tests only. In production PostgreSQL and Redis are yours, named by DATABASE_URL
and REDIS_URL, and nothing in this package runs.
"""
