"""An error's cost in the log is bounded, in both formats, whatever its values and however often it comes."""

import io
import json
import logging
import logging.config

import pytest
import structlog

from config.logging import errors
from config.logging.errors import FULL_PER_SECOND, MOST_CHARACTERS, Repeats
from config.logging.logs import logging_config

SECRET = "tok_not-to-be-seen"


@pytest.fixture(params=[True, False], ids=["json", "text"])
def log(request, monkeypatch):
    """A logger with the project's own configuration, and what it wrote."""
    monkeypatch.setattr(errors, "_repeats", Repeats())
    # A second that does not end while the test runs.
    monkeypatch.setattr(errors.time, "monotonic", lambda: 1000.5)
    written = io.StringIO()
    config = logging_config(level="INFO", as_json=request.param)
    formatter = config["formatters"]["lines"]
    handler = logging.StreamHandler(written)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(**{k: v for k, v in formatter.items() if k != "()"}))
    logger = logging.getLogger("test_log_errors")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, written
    logger.removeHandler(handler)


def fail(depth: int, message: str = "no good") -> None:
    secret, huge = SECRET, "x" * 1_000_000  # noqa: F841 - what a traceback with locals would show
    if depth:
        fail(depth - 1, message)
    raise ValueError(message)


def log_failure(logger: logging.Logger, depth: int = 3, message: str = "no good") -> None:
    try:
        fail(depth, message)
    except ValueError:
        logger.exception("request_failed")


def test_says_where_and_what_without_values(log):
    logger, written = log
    log_failure(logger)
    assert "ValueError: no good" in written.getvalue()
    assert "in fail" in written.getvalue()
    assert SECRET not in written.getvalue()


@pytest.mark.parametrize(("depth", "message"), [(3, "y" * 5_000_000), (400, "deep"), (0, "z\n" * 100_000)])
def test_is_bounded(log, depth, message):
    logger, written = log
    log_failure(logger, depth, message)
    assert len(written.getvalue()) < 2 * MOST_CHARACTERS


def test_a_chain_of_causes_is_bounded(log):
    logger, written = log
    error: Exception = ValueError("first")
    for number in range(100):
        later = KeyError(number)
        later.__cause__ = error
        error = later
    logger.error("chained", exc_info=error)
    assert len(written.getvalue()) < 2 * MOST_CHARACTERS


def test_what_repeats_is_one_line_each(log):
    logger, written = log
    for _ in range(200):
        log_failure(logger)
    assert written.getvalue().count("Traceback (most recent") == FULL_PER_SECOND
    assert written.getvalue().count("ValueError: no good") == 200


def test_other_errors_beside_it_are_written_in_full(log):
    logger, written = log
    for _ in range(50):
        log_failure(logger)
    try:
        raise KeyError("another")  # noqa: TRY301
    except KeyError:
        logger.exception("another")
    assert "KeyError: 'another'" in written.getvalue().rpartition("Traceback")[2]


def test_long_values_are_cut(log):
    logger, written = log
    logger.warning("q" * 1_000_000)
    assert len(written.getvalue()) < MOST_CHARACTERS


def test_an_error_without_a_message_is_logged_all_the_same(log):
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    logger, written = log
    logger.error("mute", exc_info=Mute())
    assert "its message cannot be shown" in written.getvalue()


def test_an_error_in_a_view_is_logged_in_bounds(client, monkeypatch, caplog):
    """Through Django's own handler, as the web process logs it."""
    client.raise_request_exception = False

    def broken(*_args: object, **_kwargs: object) -> None:
        fail(50)

    monkeypatch.setattr("allauth.account.views.LoginView.get_context_data", broken)
    with caplog.at_level(logging.ERROR):
        assert client.get("/accounts/login/").status_code == 500
    records = [record for record in caplog.records if record.exc_info]
    assert records
    formatter = logging_config(level="INFO", as_json=True)["formatters"]["lines"]
    lines = structlog.stdlib.ProcessorFormatter(**{k: v for k, v in formatter.items() if k != "()"})
    for record in records:
        text = lines.format(record)
        assert len(text) < 2 * MOST_CHARACTERS
        assert SECRET not in text
        assert "ValueError: no good" in json.loads(text)["exception"]


def test_few_places_are_remembered():
    repeats = Repeats()
    for number in range(10_000):
        repeats.count(number, 1.0)
    assert len(repeats._seen) == errors.MOST_PLACES
