"""Ordinary Django views: look up by ORM, insert by ORM, answer; ATOMIC_REQUESTS makes each a transaction."""

from urllib.parse import quote
from uuid import UUID, uuid4

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from bench.baselines.one_by_one import decide
from conversions.intake import Received
from conversions.models import Postback
from records.addresses import MACRO
from tracking.click_id import codec
from tracking.models import SUB_IDS, Click, TrackingLink

STORED_HEADERS = ("user-agent", "content-type", "x-forwarded-for", "host")
YEAR = 365 * 86400


LINK = ("pk", "enrollment__offer__destination_url", "enrollment__offer__advertiser_id")


@never_cache
def click(request: HttpRequest, code: str) -> HttpResponse:
    """Find the link, its columns no more than are needed; insert the click; send the visitor on."""
    link = TrackingLink.objects.filter(code=code, is_active=True).values_list(*LINK).first()
    if link is None:
        raise Http404
    number, template, advertiser = link
    made, visitor, sent = codec.new(link_number=number), _visitor(request), request.GET
    Click.objects.create(
        id=made.uuid,
        link_id=number,
        clicked_at=made.made_at,
        ip=request.META["REMOTE_ADDR"],
        visitor=visitor,
        user_agent=request.headers.get("user-agent", "")[:500],
        referrer=request.headers.get("referer", "")[:500],
        **{name: sent.get(name, "")[:255] for name in ("aff_click_id", "source", *SUB_IDS)},
    )
    answer = HttpResponseRedirect(_destination(template, made.text, sent.dict()))
    answer.set_cookie("aff_visitor", visitor.hex, max_age=YEAR, httponly=True, samesite="Lax")
    answer.set_cookie(f"aff_click_{advertiser}", made.text, max_age=YEAR, httponly=True, samesite="Lax")
    return answer


def _visitor(request: HttpRequest) -> UUID:
    try:
        return UUID(hex=request.COOKIES.get("aff_visitor", ""))
    except ValueError:
        return uuid4()


def _destination(template: str, text: str, sent: dict[str, str]) -> str:
    values = {**sent, "click_id": text}
    return MACRO.sub(lambda found: quote(values.get(found[1], ""), safe=""), template)


@csrf_exempt
def postback(request: HttpRequest) -> HttpResponse:
    """Take the request in and decide it, all in the request's transaction."""
    sent = request.GET if request.method == "GET" else request.POST
    received = Received(
        endpoint=Postback.Endpoint.NATIVE,
        method=request.method or "",
        path=request.path,
        parameters=[(name, value) for name, values in sent.lists() for value in values],
        headers={name: request.headers[name] for name in STORED_HEADERS if name in request.headers},
        ip=request.META["REMOTE_ADDR"],
        is_secure=request.is_secure(),
        received_at=timezone.now(),
    )
    decision = decide(received)
    return JsonResponse(decision.body, status=decision.http_status)
