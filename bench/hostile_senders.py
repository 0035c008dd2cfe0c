"""Senders of hostile bodies, run as a process of its own until it is ended: `python -m bench.hostile_senders PORT`.

Some connections begin a body and stop; others send huge ones that are dear to decode, again and again. None shows who
it is. Prints how many bodies it began when it gets a SIGTERM.
"""

import contextlib
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

PATHS = ("/api/v1/conversions/bulk", "/api/v1/conversions/status", "/postback", "/pixel.gif", "/accounts/login/")
SLOW, HUGE = 200, 4
BODIES = {
    "application/x-ndjson": b"1\n" * 1_000_000,
    "application/json": b"[" + b"[]," * 1_000_000 + b"[]]",
    "application/x-www-form-urlencoded": b"a=1&" * 500_000,
}
# Of each connection that sends huge bodies, between two of them: how often they come, not how fast we can write.
PAUSE = 0.2
_began = [0]


def _begin(port: int, path: str, kind: str, size: int) -> socket.socket:
    _began[0] += 1
    line = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n"
    line.sendall(head.encode())
    return line


def _stop_half_way(port: int, path: str) -> None:
    while True:
        with contextlib.suppress(OSError), _begin(port, path, "application/json", 50_000) as line:
            line.sendall(b"[")
            while line.recv(4096):
                pass
        time.sleep(PAUSE)


def _send_huge(port: int, number: int) -> None:
    while True:
        for path in PATHS:
            kind, body = list(BODIES.items())[number % len(BODIES)]
            number += 1
            with contextlib.suppress(OSError), _begin(port, path, kind, len(body)) as line:
                line.sendall(body)
                line.recv(4096)
            time.sleep(PAUSE)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    print(_began[0], flush=True)
    raise SystemExit(0)


def main(port: int) -> None:
    signal.signal(signal.SIGTERM, _stop)
    for number in range(SLOW):
        threading.Thread(target=_stop_half_way, args=(port, PATHS[number % len(PATHS)]), daemon=True).start()
    for number in range(HUGE):
        threading.Thread(target=_send_huge, args=(port, number), daemon=True).start()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main(int(sys.argv[1]))
