"""REST API: self-billing invoices and credit notes."""

from typing import Any

from django.http import HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from affiliates.access.views import ReadViewSet
from affiliates.roles import scopes
from payouts.documents import pdf_response
from payouts.invoicing.files import invoice_csv
from payouts.invoicing.pdf import invoice_pdf
from payouts.invoicing.tax import NAMES
from payouts.lists.invoices import INVOICES
from payouts.models import Invoice
from web.lists.serializers import ColumnSerializer
from web.rest.filters import ChoicesFilter, PeriodFilters


class PartySerializer(serializers.Serializer[Any]):
    """A side of an invoice, as it was on the day of issue."""

    name = serializers.CharField(read_only=True)
    address = serializers.CharField(read_only=True, help_text="Lines separated by line breaks.")
    country = serializers.CharField(read_only=True)
    vat_number = serializers.CharField(read_only=True)
    registration = serializers.CharField(read_only=True)


class InvoiceLineSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(read_only=True)
    entries = serializers.IntegerField(read_only=True, help_text="How many ledger entries it stands for.")
    net = serializers.CharField(read_only=True)
    vat = serializers.CharField(read_only=True)


class InvoiceSerializer(ColumnSerializer):
    columns = INVOICES
    supplier = PartySerializer(source="seller", read_only=True)
    recipient = PartySerializer(source="buyer", read_only=True)
    lines = InvoiceLineSerializer(many=True, read_only=True)
    notes = serializers.ListField(child=serializers.CharField(), read_only=True)
    tax_rule = serializers.ChoiceField(source="rule", choices=list(NAMES.items()), read_only=True)

    class Meta:
        model = Invoice


class InvoiceFilters(PeriodFilters):
    moment, moment_words = "issued_at", "when the document was issued"
    kind = ChoicesFilter(choices=Invoice.Kind.choices)
    currency = filters.CharFilter(help_text="For example EUR.")
    affiliate = filters.CharFilter("affiliate__public_id", help_text="Invoices of this affiliate, by its ID.")
    statement = filters.CharFilter("statement__number", help_text="The documents of this statement, by its number.")


@extend_schema(tags=["money"])
class InvoiceViewSet(ReadViewSet):
    """Self-billing invoices and the credit notes that correct them, the newest first."""

    queryset = Invoice.objects.select_related("affiliate", "statement", "original")
    serializer_class = InvoiceSerializer
    scope = scopes.MONEY
    filterset_class = InvoiceFilters
    lookup_field = "number"

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def pdf(self, request: Request, number: str) -> HttpResponse:
        """The document on paper."""
        return pdf_response(f"{number}.pdf", invoice_pdf(self.get_object()))

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"])
    def csv(self, request: Request, number: str) -> HttpResponse:
        """The document for spreadsheets, a row for each line."""
        return HttpResponse(invoice_csv([self.get_object()]), content_type="text/csv; charset=utf-8")
