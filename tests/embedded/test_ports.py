"""The demo's port: exactly the one asked for, or the next free one, or a sentence."""

import socket
from collections.abc import Iterator

import pytest

from config.embedded import ports
from config.embedded.places import EmbeddedError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((ports.HOST, ports.free_port()))
        listener.listen()
        yield listener.getsockname()[1]


def test_takes_exactly_the_port_that_was_asked_for() -> None:
    port = ports.free_port()
    assert ports.web_port(str(port)) == port


def test_refuses_a_taken_port_that_was_asked_for(taken: int) -> None:
    with pytest.raises(EmbeddedError, match=f"Port {taken} is taken by another program. Stop it, give another PORT"):
        ports.web_port(str(taken))


@pytest.mark.parametrize("nonsense", ["abc", "0", "65536", "-1", "80a", "٣"])
def test_refuses_what_is_no_port(nonsense: str) -> None:
    with pytest.raises(EmbeddedError, match="is not a port. Give a number between 1 and 65535"):
        ports.web_port(nonsense)


def test_finds_the_next_free_port_when_none_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: port >= 8003)
    assert ports.web_port("") == 8003


def test_gives_servers_another_port_when_the_preferred_one_is_taken(taken: int) -> None:
    port = ports.free_port(taken)
    assert port != taken
    assert port in ports.SERVER_PORTS
