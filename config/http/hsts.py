"""How long, and for which hosts, browsers insist on HTTPS: for this host alone unless more is asked for."""

from django.core.exceptions import ImproperlyConfigured

# Requirements of browsers' preload lists.
PRELOAD_SECONDS = 31_536_000


def strict_flag(name: str, given: str) -> bool:
    """`true` or `false`, and nothing that may be meant so; false where it is not set."""
    text = given.strip().lower()
    if text not in ("", "true", "false"):
        raise ImproperlyConfigured(f"{name} is {text}; it must be true or false.")
    return text == "true"


def check_hsts(seconds: int, *, subdomains: bool, preload: bool) -> None:
    """Refuse settings that browsers would not accept, with the settings to use."""
    if seconds < 0:
        raise ImproperlyConfigured(f"HSTS_SECONDS is {seconds}; it must be 0 (off) or more.")
    if subdomains and not seconds:
        raise ImproperlyConfigured("HSTS_INCLUDE_SUBDOMAINS needs HSTS_SECONDS above 0.")
    if preload and not (subdomains and seconds >= PRELOAD_SECONDS):
        raise ImproperlyConfigured(
            f"HSTS_PRELOAD needs HSTS_INCLUDE_SUBDOMAINS=true and HSTS_SECONDS of at least {PRELOAD_SECONDS}: browsers "
            "take no other host into their lists."
        )
