"""The settings of `/.well-known/security.txt`, read strictly."""

import re

from django.core.exceptions import ImproperlyConfigured


def security_contacts(given: list[str]) -> list[str]:
    """The contacts as URIs, an e-mail address as `mailto:`. Raise `ImproperlyConfigured` for anything else."""
    return [_contact(each.strip()) for each in given if each.strip()]


def _contact(text: str) -> str:
    if re.fullmatch(r"[^\s:/@<>]+@[^\s:/@<>]+\.[^\s:/@<>]+", text):
        text = f"mailto:{text}"
    if not re.fullmatch(r"(mailto:[^\s@]+@[^\s@]+|https://[^\s/]+\S*|tel:\+?[0-9.()-]+)", text):
        raise ImproperlyConfigured(
            f"SECURITY_CONTACT names {text!r}; each must be an e-mail address, or begin with https:// or tel:."
        )
    return text


def security_policy(given: str) -> str:
    """The address of the policy, or nothing. Raise `ImproperlyConfigured` where it is no https address."""
    if given and not re.fullmatch(r"https://[^\s/]+\S*", given):
        raise ImproperlyConfigured(f"SECURITY_POLICY_URL is {given!r}; it must begin with https://.")
    return given
