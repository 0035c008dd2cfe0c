"""The two commands on a bare machine: servers from wheels, the demo's supervisor, the tests' servers.

For evaluation and tests only. In production you run PostgreSQL and Redis yourself, named by DATABASE_URL
and REDIS_URL, and nothing in this package runs.
"""
