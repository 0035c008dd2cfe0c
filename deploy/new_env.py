"""Print a .env for compose.yaml with fresh secrets: `python3 deploy/new_env.py affiliates.example.com > .env`.

Standard library only. Keep the result in a vault: without its keys a restored database cannot be read.
"""

import re
import secrets
import sys

HOST = re.compile(r"(?=.{1,253}$)(localhost|([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9])")


def lines(domain: str) -> list[str]:
    key = secrets.token_urlsafe
    return [
        "# The address of this installation; its DNS entry must lead here before the first start.",
        f"DOMAIN={domain}",
        "# Outgoing mail. Put your mail server in place of this one, which writes files that no one reads.",
        "EMAIL_URL=filemail:////var/lib/affidavit/mail",
        "#EMAIL_URL=smtp+tls://user:password@mail.example.com:587",
        f"#DEFAULT_FROM_EMAIL=Affiliates <affiliates@{domain}>",
        "#OPERATOR_NAME=Your company",
        "",
        "# Secrets. Keep a copy apart from the database's backups, and never change SECRET_KEY, CLICK_ID_KEYS and",
        "# FIELD_KEYS without reading .env.example.",
        f"SECRET_KEY={key(50)}",
        f"CLICK_ID_KEYS=1:{key(32)}",
        f"FIELD_KEYS={key(32)}",
        f"ANCHOR_KEYS=1:{key(32)}",
        f"POSTGRES_PASSWORD={key(24)}",
        f"REDIS_PASSWORD={key(24)}",
        f"METRICS_TOKEN={key(24)}",
    ]


def main() -> int:
    domain = sys.argv[1].lower() if len(sys.argv) == 2 else ""
    if not HOST.fullmatch(domain):
        print(f"Usage: python3 {sys.argv[0]} DOMAIN > .env, for example affiliates.example.com", file=sys.stderr)
        return 2
    print("\n".join(lines(domain)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
