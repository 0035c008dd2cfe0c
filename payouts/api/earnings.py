"""REST API: commission of conversions, the ledger, balances, statements and payouts."""

from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from affiliates.access.reach import require
from affiliates.access.views import ReadViewSet, ResourceViewSet
from affiliates.api import AffiliateName
from affiliates.models import Affiliate
from affiliates.roles import scopes
from conversions.api.conversions import ConversionSerializer, ConversionViewSet
from conversions.models import Conversion
from payouts.documents import pdf_response
from payouts.documents.proof import NotSealed, statement_proof
from payouts.documents.statement_pdf import statement_pdf
from payouts.lists.conversions import EARNING_CONVERSIONS
from payouts.lists.ledger import LEDGER
from payouts.lists.payouts import PAYOUTS
from payouts.lists.statements import STATEMENTS
from payouts.models import LedgerEntry, Payout, Statement
from payouts.queries import balances_of
from payouts.rights import VIEW_LEDGER
from web.lists.fields import BalanceSerializer
from web.lists.serializers import ColumnSerializer
from web.rest.filters import ChoicesFilter, PeriodFilters


@extend_schema_serializer(component_name="Conversion")
class EarningConversionSerializer(ConversionSerializer):
    """An event that counts for an affiliate, with its commission."""

    columns = EARNING_CONVERSIONS


@extend_schema(tags=["conversions"])
class EarningConversionViewSet(ConversionViewSet):
    """Events that count, newest first, with what each earned. Operators approve and reject them, with a reason."""

    serializer_class = EarningConversionSerializer

    def get_queryset(self) -> "QuerySet[Conversion]":
        rows: QuerySet[Conversion] = super().get_queryset()
        entries = self.reach.within(LedgerEntry.objects.order_by("pk"), "affiliate", VIEW_LEDGER)
        if not self.reach.may(VIEW_LEDGER, scope=scopes.MONEY):
            entries = entries.none()
        return rows.prefetch_related(Prefetch("ledger_entries", entries, to_attr="entries_in_reach"))


class LedgerEntrySerializer(ColumnSerializer):
    columns = LEDGER

    class Meta:
        model = LedgerEntry


class LedgerFilters(PeriodFilters):
    moment, moment_words = "booked_at", "when the entry was booked"
    kind = ChoicesFilter(choices=LedgerEntry.Kind.choices)
    currency = filters.CharFilter(help_text="For example EUR.")
    affiliate = filters.CharFilter("affiliate__public_id", help_text="Entries of this affiliate, by its ID.")
    conversion = filters.CharFilter("conversion__public_id", help_text="Entries for this conversion, by its ID.")
    payout = filters.CharFilter("payout__public_id", help_text="Entries for this payout, by its ID.")


@extend_schema(tags=["money"])
class LedgerEntryViewSet(ListModelMixin, ResourceViewSet):
    """Lines of affiliates' accounts, newest first. They are only ever appended; a balance is their sum."""

    queryset = LedgerEntry.objects.select_related("affiliate", "conversion", "clicks", "payout", "plan_version__plan")
    serializer_class = LedgerEntrySerializer
    scope = scopes.MONEY
    filterset_class = LedgerFilters


class AffiliateBalancesSerializer(serializers.Serializer[Any]):
    affiliate = AffiliateName(read_only=True)
    balances = BalanceSerializer(many=True, read_only=True)


class BalanceFilters(filters.FilterSet):
    affiliate = filters.CharFilter("public_id", help_text="The balances of this affiliate, by its ID.")


@extend_schema(tags=["money"])
class BalanceViewSet(ListModelMixin, ResourceViewSet):
    """What each affiliate is owed now, by currency: commission and adjustments less what was paid."""

    queryset = Affiliate.objects.all()
    serializer_class = AffiliateBalancesSerializer
    scope = scopes.MONEY
    filterset_class = BalanceFilters
    affiliate_path = "pk"
    operator_permissions: ClassVar = [VIEW_LEDGER]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        found = balances_of([each.pk for each in page])
        rows = [{"affiliate": each, "balances": found.get(each.pk, [])} for each in page]
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)


class StatementSerializer(ColumnSerializer):
    columns = STATEMENTS

    class Meta:
        model = Statement


class StatementFilters(PeriodFilters):
    moment, moment_words = "ends_at", "when the statement's period ends"
    currency = filters.CharFilter(help_text="For example EUR.")
    affiliate = filters.CharFilter("affiliate__public_id", help_text="Statements of this affiliate, by its ID.")


@extend_schema(tags=["money"])
class StatementViewSet(ReadViewSet):
    """Closed periods, the newest first."""

    queryset = Statement.objects.select_related("affiliate", "payout")
    serializer_class = StatementSerializer
    scope = scopes.MONEY
    filterset_class = StatementFilters
    lookup_field = "number"

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def pdf(self, request: Request, number: str) -> HttpResponse:
        """The statement as PDF. Operators need the permission to view ledger entries, which it lists."""
        return pdf_response(f"statement-{number}.pdf", statement_pdf(self._with_ledger()))

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT})
    @action(detail=True, methods=["get"])
    def proof(self, request: Request, number: str) -> HttpResponse:
        """The statement with every entry it covers and their seals; `verify_statement.py` checks it offline.

        Operators need the permission to view ledger entries.
        """
        row = self._with_ledger()
        try:
            return HttpResponse(statement_proof(row), content_type="application/json")
        except NotSealed as error:
            raise NotFound(str(error)) from error

    def _with_ledger(self) -> Statement:
        """The statement, for those who may also view the ledger entries of its affiliate."""
        if self.reach.user.is_staff:
            require(self.reach.user, [VIEW_LEDGER])
        row: Statement = self.get_object()
        if not self.reach.within(Affiliate.objects.filter(pk=row.affiliate_id), "pk", VIEW_LEDGER).exists():
            raise NotFound
        return row


class PayoutSerializer(ColumnSerializer):
    columns = PAYOUTS

    class Meta:
        model = Payout


class PayoutFilters(PeriodFilters):
    moment, moment_words = "created_at", "when the payout was made"
    status = ChoicesFilter(choices=Payout.Status.choices)
    currency = filters.CharFilter(help_text="For example EUR.")
    affiliate = filters.CharFilter("affiliate__public_id", help_text="Payouts to this affiliate, by its ID.")


@extend_schema(tags=["money"])
class PayoutViewSet(ReadViewSet):
    """Money sent, or due to be sent, for statements."""

    queryset = Payout.objects.select_related("affiliate", "statement")
    serializer_class = PayoutSerializer
    scope = scopes.MONEY
    filterset_class = PayoutFilters
    lookup_field, lookup_url_kwarg = "public_id", "id"
