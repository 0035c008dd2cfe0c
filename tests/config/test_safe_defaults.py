"""What an installation does that sets nothing but what must be set; and that a wrong setting is refused at start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded.environment import checking_environment
from config.embedded.lint import NO_SERVERS, PRODUCTION

ROOT = Path(__file__).resolve().parents[2]
SHOWN = "SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD", "EMAIL_BACKEND"


def settings_with(**given: str) -> tuple[int, str]:
    """Exit code and output of a process that reads the settings in a production environment."""
    env = {**os.environ, **checking_environment(), **NO_SERVERS, **PRODUCTION, **given}
    code = f"from django.conf import settings as s; print([getattr(s, name) for name in {SHOWN}])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_browsers_insist_on_https_for_this_host_alone() -> None:
    assert settings_with()[1].startswith("[31536000, False, False,")


def test_more_is_insisted_on_where_it_is_asked_for() -> None:
    reported = settings_with(HSTS_INCLUDE_SUBDOMAINS="true", HSTS_PRELOAD="True")[1]
    assert reported.startswith("[31536000, True, True,")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"HSTS_PRELOAD": "true"}, "HSTS_PRELOAD needs HSTS_INCLUDE_SUBDOMAINS=true"),
        ({"HSTS_PRELOAD": "true", "HSTS_INCLUDE_SUBDOMAINS": "true", "HSTS_SECONDS": "60"}, "of at least 31536000"),
        ({"HSTS_INCLUDE_SUBDOMAINS": "true", "HSTS_SECONDS": "0"}, "needs HSTS_SECONDS above 0"),
        ({"HSTS_INCLUDE_SUBDOMAINS": "yes please"}, "HSTS_INCLUDE_SUBDOMAINS is yes please; it must be true or false"),
        ({"HSTS_SECONDS": "-5"}, "HSTS_SECONDS is -5"),
        ({"EMAIL_URL": ""}, "EMAIL_URL is not set"),
        ({"EMAIL_URL": "consolemail://"}, "links to set a password would stand in the log"),
        ({"EMAIL_URL": "carrier-pigeon://x"}, "EMAIL_URL is no address of a mail server"),
    ],
)
def test_what_makes_no_sense_is_refused_at_start(given: dict[str, str], text: str) -> None:
    code, output = settings_with(**given)
    assert code == 1
    assert text in output


def test_development_prints_its_mails() -> None:
    assert "console.EmailBackend" in settings_with(EMAIL_URL="", DEBUG="true")[1]


def test_mails_in_files_are_private() -> None:
    assert "config.mail.PrivateFiles" in settings_with(EMAIL_URL="filemail:////var/mail/affidavit")[1]
