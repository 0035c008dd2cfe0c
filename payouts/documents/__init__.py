"""A statement as a document: PDF to read, CSV to count with, JSON that proves itself without this program."""

from django.http import HttpResponse


def pdf_response(name: str, content: bytes) -> HttpResponse:
    """A download of a PDF that no cache may store."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)
