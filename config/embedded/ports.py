"""Free ports on the loopback address, below the range from which the kernel takes its own."""

import random
import socket

from config.embedded.places import EmbeddedError

HOST = "127.0.0.1"
SERVER_PORTS = range(20000, 32000)


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None) -> int:
    """A free port for a local server: the preferred one, else a random one (several runs may search at once)."""
    if preferred is not None and is_free(preferred):
        return preferred
    for port in random.sample(SERVER_PORTS, 200):
        if is_free(port):
            return port
    raise EmbeddedError(
        f"No free port on {HOST} between {SERVER_PORTS.start} and {SERVER_PORTS.stop}. Close some servers."
    )


def web_port(wanted: str) -> int:
    """The port for the web server: exactly the one in PORT, else 8000 or the next free one."""
    if not wanted:
        for port in range(8000, 8100):
            if is_free(port):
                return port
        raise EmbeddedError("The ports 8000 to 8099 are all taken. Name a free one: PORT=9000 make demo")
    if not (wanted.isascii() and wanted.isdecimal()) or not 1 <= int(wanted) <= 65535:
        raise EmbeddedError(f"PORT={wanted} is not a port. Give a number between 1 and 65535, for example PORT=8080.")
    if int(wanted) < 1024 and not is_free(int(wanted)):
        raise EmbeddedError(
            f"Port {wanted} is taken or needs rights that this user lacks. Give one above 1023, such as PORT=8080."
        )
    if not is_free(int(wanted)):
        raise EmbeddedError(
            f"Port {wanted} is taken by another program. Stop it, give another PORT, or leave PORT out."
        )
    return int(wanted)
