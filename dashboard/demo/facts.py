"""The demo's facts for scripts: links that work, tokens, goals, sign-ins and keys, as the demo made them."""

from typing import Any

from affiliates.models import Advertiser, AdvertiserSecret, Affiliate, ApiKey, Enrollment, Offer
from conversions.models import Goal
from dashboard.demo import credentials
from dashboard.demo.data import OPERATOR, SIGN_IN, Spec
from dashboard.demo.seeding import SeedRefused, SeedState, state
from records.secrets import digest
from tracking.models import TrackingLink


def facts() -> dict[str, list[dict[str, str | None]]]:
    """Links, advertisers, goals, logins and API keys, without those revoked or closed meanwhile.

    Raise `SeedRefused` when there are no demo data, or when they were made with another SECRET_KEY: then their tokens
    and passwords can no longer be derived.
    """
    if state() is not SeedState.SEEDED:
        raise SeedRefused("There are no demo data in this database. Run `manage.py seed_demo` first.")
    check_key()
    return {
        "links": _links(),
        "advertisers": _advertisers(),
        "goals": _goals(),
        "logins": [
            _login("operator", None, OPERATOR),
            *(_login("affiliate", affiliate["name"], affiliate["owner"]) for affiliate in SIGN_IN),
        ],
        "api_keys": _api_keys(),
    }


def _login(role: str, affiliate: str | None, person: Spec) -> dict[str, str | None]:
    password, note = credentials.password(person["email"]), person.get("note", "")
    return {"role": role, "affiliate": affiliate, "email": person["email"], "password": password, "note": note}


def check_key() -> None:
    """Raise `SeedRefused` when the demo's tokens were derived from another SECRET_KEY than that in force."""
    names = Advertiser.objects.values_list("name", flat=True)
    known = {digest(credentials.advertiser_token(name)) for name in names}
    if not AdvertiserSecret.objects.filter(digest__in=known).exists():
        raise SeedRefused(
            "The demo data in this database were made with another SECRET_KEY, from which their passwords and tokens "
            "are derived. Set that SECRET_KEY again, or make an empty database, migrate it, and seed it."
        )


def _links() -> list[dict[str, str | None]]:
    """Ana's first, in the order they were made."""
    rows: Any = TrackingLink.objects.filter(
        is_active=True,
        enrollment__status=Enrollment.Status.APPROVED,
        enrollment__affiliate__status=Affiliate.Status.ACTIVE,
        enrollment__offer__status=Offer.Status.ACTIVE,
        enrollment__offer__advertiser__is_active=True,
    )
    rows = rows.select_related("enrollment__affiliate", "enrollment__offer__advertiser").order_by("pk")
    return [
        {
            "code": row.code,
            "affiliate": row.enrollment.affiliate.name,
            "offer": row.enrollment.offer.name,
            "advertiser": row.enrollment.offer.advertiser.name,
            "destination": row.destination_url or row.enrollment.offer.destination_url,
        }
        for row in rows
    ]


def _advertisers() -> list[dict[str, str | None]]:
    active = set(AdvertiserSecret.objects.filter(revoked_at=None).values_list("digest", flat=True))
    found: list[dict[str, str | None]] = []
    for name in Advertiser.objects.filter(is_active=True).order_by("pk").values_list("name", flat=True):
        token, secret = credentials.advertiser_token(name), credentials.advertiser_hmac_secret(name)
        if {digest(token), digest(secret)} <= active:
            found.append({"name": name, "token": token, "hmac_secret": secret})
    return found


def _goals() -> list[dict[str, str | None]]:
    goals = Goal.objects.filter(is_active=True, offer__status=Offer.Status.ACTIVE).select_related("offer")
    return [
        {"offer": goal.offer.name, "code": goal.code, "name": goal.name}
        for goal in goals.order_by("offer_id", "position", "pk")
    ]


def _api_keys() -> list[dict[str, str | None]]:
    active = set(ApiKey.objects.filter(revoked_at=None).values_list("digest", flat=True))
    people = {"operator": OPERATOR, "affiliate": SIGN_IN[0]["owner"]}
    keys = {role: credentials.api_key(person["email"]) for role, person in people.items()}
    return [{"role": role, "key": key} for role, key in keys.items() if digest(key) in active]
