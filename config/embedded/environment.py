"""The environment that the demo, the tests and the lint run the project in.

Nothing here reads `.env`: that file is for a server of yours, and the demo must not write into its database.
"""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from config.embedded import places

NO_FILE = os.devnull
SECRETS = ("SECRET_KEY", "CLICK_ID_KEYS", "FIELD_KEYS", "ANCHOR_KEYS")


def stored_secrets(path: Path) -> dict[str, str]:
    """The demo's secrets: made once, readable by their owner only."""
    try:
        known = json.loads(path.read_text())
    except FileNotFoundError:
        known = {}
    except (OSError, ValueError) as error:
        raise places.EmbeddedError(
            f"{path} cannot be read ({error}). Fix it, or start afresh with `make clean`."
        ) from error
    made = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "CLICK_ID_KEYS": f"1:{secrets.token_urlsafe(32)}",
        "FIELD_KEYS": secrets.token_urlsafe(32),
        "ANCHOR_KEYS": f"1:{secrets.token_urlsafe(32)}",
        "database_owner_password": secrets.token_urlsafe(24),
        "database_migration_password": secrets.token_urlsafe(24),
        "database_password": secrets.token_urlsafe(24),
        "redis_password": secrets.token_urlsafe(24),
    }
    if made.keys() - known.keys():
        known = {**made, **known}
        places.write_private(path, json.dumps(known, indent=2) + "\n")
    return {name: str(value) for name, value in known.items()}


# An account out of the banks' own examples (docs/payouts.md), so that the demo's SEPA files can be made.
EXAMPLE_ACCOUNT = {
    "OPERATOR_NAME": "Affidavit Demo",
    "OPERATOR_IBAN": "SE4550000000058398257466",
    "OPERATOR_BIC": "ESSESESS",
}


def demo_environment(*, port: int, database_url: str, redis_url: str, stored: dict[str, str]) -> dict[str, str]:
    """The environment of the demo's web server, worker and beat. Secrets given by the caller take precedence."""
    here = [f"http://127.0.0.1:{port}", f"http://localhost:{port}"]
    return {
        **os.environ,
        **{name: os.environ.get(name) or stored[name] for name in SECRETS},
        "ENV_FILE": NO_FILE,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DEBUG": "false",
        "REQUIRE_HTTPS": "false",
        "PUBLIC_URL": here[0],
        "ALLOWED_HOSTS": os.environ.get("ALLOWED_HOSTS") or "127.0.0.1,localhost,[::1]",
        "CSRF_TRUSTED_ORIGINS": ",".join(here),
        "STATIC_ROOT": str(places.DATA / "static"),
        "STATIC_MANIFEST": "true",
        "SPOOL_DIR": str(places.DATA / "spool"),
        "EMAIL_URL": os.environ.get("EMAIL_URL") or f"filemail:///{places.DATA / 'mail'}",
        "ANCHOR_FILE": str(places.DATA / "anchors.jsonl"),
        "BEAT_SCHEDULE_FILE": str(places.DATA / "beat" / "schedule"),
        "LOG_JSON": os.environ.get("LOG_JSON") or "false",
        **({} if os.environ.get("OPERATOR_IBAN") else EXAMPLE_ACCOUNT),
        "C_FORCE_ROOT": "true",
        "PYTHONUNBUFFERED": "1",
    }


DEMO_ENVIRONMENT = places.DATA / "environment.json"
# What a command needs to work on the running demo; the rest of its environment is the caller's own business.
_SHARED = (
    *SECRETS, "ENV_FILE", "DATABASE_URL", "REDIS_URL", "REQUIRE_HTTPS", "PUBLIC_URL", "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS", "SPOOL_DIR", "ANCHOR_FILE", "STATIC_ROOT", "LOG_JSON", "EMAIL_URL",
    "OPERATOR_NAME", "OPERATOR_IBAN", "OPERATOR_BIC",
)  # fmt: skip


def keep_demo_environment(env: Mapping[str, str]) -> None:
    """Let commands of this checkout find the running demo."""
    places.write_private(DEMO_ENVIRONMENT, json.dumps({name: env[name] for name in _SHARED if name in env}) + "\n")


def running_demo() -> dict[str, str]:
    """The environment of this checkout's running demo; empty when none runs or the caller has settings of their own."""
    own = "DATABASE_URL" in os.environ or "SECRET_KEY" in os.environ or (places.ROOT / ".env").exists()
    if own or not places.DEMO_FACTS.exists():
        return {}
    try:
        return dict(json.loads(DEMO_ENVIRONMENT.read_text()))
    except (OSError, ValueError):
        return {}


def checking_environment() -> dict[str, str]:
    """The environment of the tests and the lint, which overrides the caller's shell and `.env`."""
    return {
        "ENV_FILE": NO_FILE,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMN",
        "CLICK_ID_KEYS": "1:only-for-tests-click-id-key-one",
        "FIELD_KEYS": "only-for-tests-field-key-one",
        "ANCHOR_KEYS": "1:b25seS1mb3ItdGVzdHMtYW5jaG9yLWtleS1udW1iZXI",
        "ANCHOR_FILE": "",
        "DATABASE_OWNER_URL": "",
        "DEBUG": "false",
        "REQUIRE_HTTPS": "false",
        "PUBLIC_URL": "http://testserver",
        "ALLOWED_HOSTS": "127.0.0.1,localhost,[::1],testserver",
        "CSRF_TRUSTED_ORIGINS": "http://testserver",
        "TRUSTED_PROXIES": "",
        "STATIC_MANIFEST": "false",
        "EMAIL_URL": "memorymail://",
        "LOG_LEVEL": "WARNING",
        "LOG_JSON": "false",
    }
