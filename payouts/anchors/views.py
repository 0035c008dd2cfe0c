"""The public anchors: only hashes and the ends of periods, so that anyone can store a copy."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from payouts.models import Anchor, AnchorKey


@require_safe
def anchors(request: HttpRequest) -> HttpResponseBase:
    """Every anchor, one line each, the first one first; those after a number with `?after=12`."""
    given = request.GET.get("after", "0")
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        return HttpResponse("after must be the number of an anchor, such as ?after=12.\n", "text/plain", 400)
    rows = Anchor.objects.filter(number__gt=int(given)).order_by("number").values_list("line", flat=True)
    last = Anchor.objects.order_by("-number").values_list("hash", flat=True).first()
    headers = {"Cache-Control": "max-age=60", "ETag": f'"{int(given)}-{last or 0}"'}
    # The last anchor's hash stands for all before it, so this is a strong ETag.
    if unchanged := get_conditional_response(request, etag=headers["ETag"]):
        unchanged["Cache-Control"], unchanged["ETag"] = headers.values()
        return unchanged

    def lines() -> Iterator[str]:
        for line in rows.iterator(chunk_size=20):
            yield line + "\n"

    return StreamingHttpResponse(lines(), content_type="application/jsonl", headers=headers)


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """The public keys (Ed25519, hex digits) by number."""
    found = AnchorKey.objects.order_by("number")
    return JsonResponse(
        {"keys": [{"number": row.number, "public_key": row.public_key, "since": row.since} for row in found]}
    )
