"""Documents of the account: proofs and papers of statements."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.portal.access import Portal, portal_view
from dashboard.portal.queries.objects import statement_for
from payouts.documents import pdf_response
from payouts.documents.proof import NotSealed, account_proof, statement_proof
from payouts.documents.statement_pdf import statement_pdf
from web.lists.export import download


@require_safe
@portal_view
def proof(request: HttpRequest, portal: Portal) -> Any:
    """The whole chain for checking without this program, with every statement that was closed over it."""
    name = f"account-{portal.affiliate.public_id}.json"
    return download(request, name, "application/json", account_proof(portal.affiliate))


@require_safe
@portal_view
def statement_pdf_view(request: HttpRequest, portal: Portal, number: str) -> HttpResponse:
    found = statement_for(portal.affiliate, number)
    return pdf_response(f"statement-{found.number}.pdf", statement_pdf(found))


@require_safe
@portal_view
def statement_proved(request: HttpRequest, portal: Portal, number: str) -> Any:
    found = statement_for(portal.affiliate, number)
    try:
        proof = statement_proof(found)
    except NotSealed as error:
        raise Http404(str(error)) from error
    return download(request, f"statement-{found.number}.json", "application/json", proof)
