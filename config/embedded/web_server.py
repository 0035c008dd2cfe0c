"""How our web server is started: by the demo, tests and benchmarks alike. docs/operations.md names the same options."""

import resource
from contextlib import suppress

# Connections that a process serves at once, those that send nothing among them; each takes an open file.
CONNECTIONS = 4096
OPEN_FILES = 2 * CONNECTIONS
# HTTP/1 alone: a server that also speaks HTTP/2 waits for a connection's first byte without a deadline. With the
# deadline for headers, a connection that sends nothing ends after 30 seconds.
OPTIONS = (
    "--interface", "asgi", "--http", "1", "--no-ws", "--http1-header-read-timeout", "30000",
    "--backlog", "2048", "--backpressure", str(CONNECTIONS),
)  # fmt: skip


def allow_open_files() -> None:
    """Let this process and those that it starts have as many open files as that takes, where the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
