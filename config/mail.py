"""Sending mail: by a mail server, or, for trials, into files that only their owner can read.

Mails contain links that set a new password, so none is ever printed: a process's output is its log.
"""

import os
import secrets
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Any

import environ
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.base import BaseEmailBackend

CONSOLE = "django.core.mail.backends.console.EmailBackend"
FILES = "django.core.mail.backends.filebased.EmailBackend"
ADVICE = (
    "Set it to your mail server, for example EMAIL_URL=smtp+tls://user:password@mail.example.com:587, or to a "
    "directory that mails are written to, for example EMAIL_URL=filemail:////var/lib/affidavit/mail"
)


def mail_config(env: environ.Env, *, debug: bool) -> dict[str, Any]:
    """Django's EMAIL_… settings. Raise `ImproperlyConfigured` where production would print its mails."""
    given = env.str("EMAIL_URL", default="")
    if not given and not debug:
        raise ImproperlyConfigured(f"EMAIL_URL is not set: mails with links to set a password need a way out. {ADVICE}")
    try:
        config: dict[str, Any] = env.email_url_config(given or "consolemail://")
    except (KeyError, ValueError, environ.ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"EMAIL_URL is no address of a mail server: {error}. {ADVICE}") from error
    if config["EMAIL_BACKEND"] == CONSOLE and not debug:
        raise ImproperlyConfigured(f"EMAIL_URL is {given}: links to set a password would stand in the log. {ADVICE}")
    if config["EMAIL_BACKEND"] == FILES:
        config["EMAIL_BACKEND"] = "config.mail.PrivateFiles"
    return config


class PrivateFiles(BaseEmailBackend):
    """A file for each mail, readable by its owner only, in EMAIL_FILE_PATH."""

    def send_messages(self, email_messages: Any) -> int:
        directory = Path(settings.EMAIL_CONFIG["EMAIL_FILE_PATH"])
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            _write(directory, message.message())
        return len(email_messages)


def _write(directory: Path, message: Message) -> None:
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}.eml"
    descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(message.as_bytes())
