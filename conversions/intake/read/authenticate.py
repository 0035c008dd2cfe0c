"""Identify the sender. The token identifies the advertiser, whose rules define from where and how it may send."""

import ipaddress

from django.conf import settings

from affiliates.models import Advertiser, AdvertiserSecret
from conversions.intake import reference_cache
from conversions.intake.case import Case, Outcome
from conversions.intake.read import signing
from conversions.models import Postback
from conversions.reasons.codes import Reason
from records.addresses import host_allowed

STEP = "authenticate"


def authenticate(cases: list[Case]) -> None:
    """Find the advertiser of each case, or stop the case. At most one query for the batch, two where one fails.

    A parked request was authenticated when it arrived.
    """
    cases = [case for case in cases if case.is_open and case.advertiser is None]
    digests = {case.postback.token_digest for case in cases if case.postback.token_digest}
    by_digest = reference_cache.tokens.many(digests)
    revoked = _revoked(digests - by_digest.keys())
    pixels = [case for case in cases if case.postback.endpoint == Postback.Endpoint.PIXEL]
    named = _named_by_pixels(pixels)
    for case in cases:
        if case.postback.endpoint == Postback.Endpoint.PIXEL:
            if problem := _signature_problem(case, None):
                _refuse_signature(case, *problem)
                continue
            _admit_pixel(case, named.get(_advertiser_id(case)))
        elif case.postback.endpoint == Postback.Endpoint.CSV and case.postback.advertiser:
            _admit_file(case, case.postback.advertiser)
        elif case.postback.endpoint == Postback.Endpoint.SOURCE:
            _admit_source(case)
        else:
            sent = case.postback.token_digest
            _authenticate(case, by_digest.get(sent), revoked.get(sent))


def _revoked(digests: set[str]) -> dict[str, AdvertiserSecret]:
    """The revoked secrets in use: their senders get a separate answer. No query if all tokens are valid."""
    if not digests:
        return {}
    rows = AdvertiserSecret.objects.select_related("advertiser").filter(digest__in=digests, revoked_at__isnull=False)
    return {row.digest: row for row in rows}


def _advertiser_id(case: Case) -> str:
    return next((value for name, value in case.parameters if name == "advertiser"), "")


def _named_by_pixels(cases: list[Case]) -> dict[str, Advertiser]:
    if not cases:
        return {}
    found = Advertiser.objects.filter(public_id__in={_advertiser_id(case) for case in cases})
    return {advertiser.public_id: advertiser for advertiser in found}


def _admit_pixel(case: Case, advertiser: Advertiser | None) -> None:
    """Accept a pixel by the advertiser it names: it has no secret, so its genuine click is the proof."""
    host = case.postback.headers.get("referer", "")
    if advertiser is None:
        note = "The pixel names no advertiser that there is: advertiser=ad_… is missing or wrong."
        named = _advertiser_id(case) or "missing"
        case.stop(Outcome.FORBIDDEN, Reason.PIXEL_NOT_ALLOWED, STEP, note, rule="pixel", advertiser=named)
        return
    case.postback.advertiser = advertiser
    if not advertiser.is_active:
        _refuse_inactive(case, advertiser)
    elif not advertiser.allows_pixel:
        note = f"{advertiser} takes no events from pixels."
        named = advertiser.public_id
        case.stop(Outcome.FORBIDDEN, Reason.PIXEL_NOT_ALLOWED, STEP, note, rule="pixel", advertiser=named)
    elif advertiser.pixel_hosts and not host_allowed(host, advertiser.pixel_hosts):
        note = f"The pixel stands on {host or 'a page that is not named'}, which is none of the allowed hosts."
        rule = ", ".join(advertiser.pixel_hosts)
        shown = host or "not named"
        case.stop(Outcome.FORBIDDEN, Reason.PIXEL_NOT_ALLOWED, STEP, note, rule=rule, host=shown)
    else:
        case.advertiser = advertiser
        case.note(STEP, "passed", f"A pixel of {advertiser}, on {host or 'a page that is not named'}.", rule="pixel")


def _refuse_inactive(case: Case, advertiser: Advertiser) -> None:
    note, rule = f"{advertiser} is switched off.", "active advertisers only"
    case.stop(Outcome.FORBIDDEN, Reason.ADVERTISER_INACTIVE, STEP, note, rule=rule, advertiser=advertiser.public_id)


def _is_anothers(case: Case, advertiser: Advertiser) -> bool:
    """Whether the request uses a mapping that belongs to another advertiser."""
    return case.dialect is not None and case.dialect.advertiser_id not in (None, advertiser.pk)


def _refuse_address(case: Case, advertiser: Advertiser) -> None:
    note = f"The mapping {case.mapping.name} is another advertiser's."
    rule, named = case.mapping.rule, advertiser.public_id
    case.stop(Outcome.FORBIDDEN, Reason.ANOTHERS_MAPPING, STEP, note, rule=rule, advertiser=named)


def _admit_file(case: Case, advertiser: Advertiser) -> None:
    """Accept a row of a file: an operator sent it and named the advertiser."""
    if not advertiser.is_active:
        _refuse_inactive(case, advertiser)
        return
    if _is_anothers(case, advertiser):
        _refuse_address(case, advertiser)
        return
    case.advertiser = advertiser
    by = case.postback.headers.get("imported-by", "an operator")
    case.note(STEP, "passed", f"Imported for {advertiser} by {by}.", rule="file", file=case.postback.path)


def _admit_source(case: Case) -> None:
    """Accept a source's webhook by its signature. The token in its address only says whose it is."""
    advertiser = case.postback.advertiser
    if advertiser is None:
        note = "The token in the address is not valid."
        case.stop(
            Outcome.UNAUTHORIZED, Reason.BAD_TOKEN, STEP, note, rule="a source's address", address=case.postback.path
        )
        return
    if problem := _source_problem(case.postback.signature):
        _refuse_signature(case, *problem)
        return
    _admit(case, advertiser, f"The webhook is signed for {advertiser}.", rule=case.mapping.rule)


def _source_problem(state: str) -> tuple[Reason, str] | None:
    if state == signing.VALID:
        return None
    if state == signing.STALE:
        return Reason.STALE_SIGNATURE, "The signed time is more than five minutes from ours."
    return Reason.BAD_SIGNATURE, "The signature fits none of the signing secrets of this source."


def _signature_problem(case: Case, secret: AdvertiserSecret | None) -> tuple[Reason, str] | None:
    """The problem of the request's signature, or of its missing signature."""
    state = case.postback.signature
    if state == signing.BAD:
        found = (each.message for each in case.problems if each.reason == Reason.BAD_SIGNATURE)
        return Reason.BAD_SIGNATURE, next(found, "The signature fits none of the advertiser's active secrets.")
    if state == signing.STALE:
        limit = f"{signing.WINDOW // 60} minutes"
        return Reason.STALE_SIGNATURE, f"The signed time, in seconds since 1970, is more than {limit} from ours."
    if secret and not state and (signing.is_hmac(secret) or secret.advertiser.requires_signature):
        message = (
            "An HMAC secret signs and is never sent." if signing.is_hmac(secret) else "A token alone is not taken."
        )
        return Reason.SIGNATURE_REQUIRED, message
    return None


def _refuse_signature(case: Case, reason: Reason, message: str) -> None:
    if not any(each.reason == reason for each in case.problems):
        case.report(reason, "signature", message)
    state = case.postback.signature or "none"
    case.stop(Outcome.UNAUTHORIZED, reason, STEP, message, rule="signature", signature=state)


def _authenticate(case: Case, secret: AdvertiserSecret | None, revoked: AdvertiserSecret | None) -> None:
    postback = case.postback
    if problem := _signature_problem(case, secret):
        # The sender knew only the advertiser's ID, so the advertiser is not identified unless a secret matches.
        postback.advertiser = secret.advertiser if secret and postback.signature != signing.BAD else None
        _refuse_signature(case, *problem)
        return
    if secret is None and case.problems:
        # The token may be in the part that could not be read.
        first = case.problems[0]
        case.stop(
            Outcome.INVALID, first.reason, STEP, first.message, rule="readable requests", problems=case.problem_values
        )
        return
    if secret is None and revoked:
        postback.advertiser = revoked.advertiser
        note = f"The {revoked.advertiser} token {revoked.label or revoked.pk} was revoked."
        revoked_at = f"{revoked.revoked_at:%Y-%m-%d %H:%M} UTC"
        rule = "tokens that are in use"
        case.stop(Outcome.UNAUTHORIZED, Reason.REVOKED_TOKEN, STEP, note, rule=rule, revoked=revoked_at)
        return
    if secret is None:
        note = "The token is not valid." if postback.token_digest else "The request has no token."
        sent = "unknown" if postback.token_digest else "missing"
        case.stop(Outcome.UNAUTHORIZED, Reason.BAD_TOKEN, STEP, note, rule="a token of an advertiser", token=sent)
        return
    advertiser = secret.advertiser
    # From here on the request belongs to the advertiser, even if it is refused: its operator sees it.
    postback.advertiser = advertiser
    what = "signature" if postback.signature else "token"
    _admit(case, advertiser, f"The {what} is one of {advertiser}'s.", rule=secret.label or f"{what} {secret.pk}")


def _admit(case: Case, advertiser: Advertiser, note: str, *, rule: str) -> None:
    """Accept a sender that proved to be the advertiser's, by the advertiser's own rules."""
    postback = case.postback
    if not advertiser.is_active:
        _refuse_inactive(case, advertiser)
    elif settings.REQUIRE_HTTPS and not postback.is_secure:
        note = "The request came over http://."
        case.stop(Outcome.FORBIDDEN, Reason.HTTPS_REQUIRED, STEP, note, rule="https only", scheme="http")
    elif not _may_come_from(postback.ip, advertiser.sender_networks):
        case.stop(
            Outcome.FORBIDDEN,
            Reason.SENDER_NOT_ALLOWED,
            STEP,
            "The sender's address is in none of the allowed networks.",
            rule=", ".join(advertiser.sender_networks),
            ip=postback.ip or "unknown",
        )
    elif _is_anothers(case, advertiser):
        _refuse_address(case, advertiser)
    else:
        case.advertiser = advertiser
        case.note(STEP, "passed", note, rule=rule)


def _may_come_from(ip: str | None, networks: list[str]) -> bool:
    if not networks:
        return True
    return ip is not None and any(ipaddress.ip_address(ip) in ipaddress.ip_network(network) for network in networks)
