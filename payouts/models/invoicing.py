"""Invoices that the operator writes in its affiliates' names, and the data behind them."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from affiliates.models import Affiliate, User
from payouts import events
from payouts.models.ledger import LedgerEntry
from payouts.models.paying import Statement
from records.append_only import append_only
from records.countries import country_code
from records.money import AmountField, CurrencyField
from records.translation import gettext_lazy as _

# Numbers are part of addresses and file names.
prefix = RegexValidator(r"^[A-Z0-9][A-Z0-9-]{0,11}$", _("Capitals, digits and -, at most twelve, such as SB-."))

AGREEMENT = (
    "We agree that the operator writes the invoices for our commission in our name (self-billing) and sends them to "
    "us. We tell the operator at once when our VAT number, our registration for VAT or our address changes, and "
    "write no invoices of our own for the same commission. An invoice counts as accepted unless we object."
)


class Issuer(models.Model):
    """The operator's company as its invoices name it, and how they are numbered. There is one."""

    name = models.CharField(max_length=120)
    address = models.TextField(max_length=300, help_text=_("Street, postal code and town, on lines of their own."))
    country = models.CharField(
        max_length=2, validators=[country_code], help_text=_("Where the company is taxed: two letters.")
    )
    vat_number = models.CharField(
        _("VAT number"), max_length=20, blank=True, help_text=_("With the letters of the country.")
    )
    registration = models.CharField(max_length=80, blank=True, help_text=_("Register and number, where there is one."))
    invoice_prefix = models.CharField(
        max_length=12, default="SB-", validators=[prefix], help_text=_("Numbers are SB-2026-000001, without gaps.")
    )
    credit_note_prefix = models.CharField(max_length=12, default="CN-", validators=[prefix])
    self_billing_words = models.CharField(
        max_length=120, default="Self-billing", help_text=_("The law wants it on the invoice; in German: Gutschrift.")
    )
    agreement_words = models.TextField(
        max_length=2000, default=AGREEMENT, help_text=_("What affiliates agree to before anything is written for them.")
    )
    issues_automatically = models.BooleanField(
        default=True, help_text=_("Every close of a period writes its invoices.")
    )
    only = models.BooleanField(default=True, unique=True, editable=False)

    class Meta:
        verbose_name = _("invoice issuer")
        constraints = [
            models.CheckConstraint(condition=Q(only=True), name="one_invoice_issuer"),
            models.CheckConstraint(
                condition=~Q(invoice_prefix=F("credit_note_prefix")), name="invoice_prefixes_differ"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BillingDetails(models.Model):
    """An affiliate's billing details. A change is a new row; the old one stays."""

    class Party(models.TextChoices):
        BUSINESS = "business", _("Business")
        PRIVATE = "private", _("Private person")

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="billing_details")
    party = models.CharField(_("invoiced as"), max_length=8, choices=Party, default=Party.BUSINESS)
    legal_name = models.CharField(max_length=120)
    address = models.TextField(max_length=300)
    country = models.CharField(max_length=2, validators=[country_code])
    vat_number = models.CharField(_("VAT number"), max_length=20, blank=True)
    registration = models.CharField(max_length=80, blank=True)
    is_small_business = models.BooleanField(_("small business"), default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    replaced_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = _("billing details")
        constraints = [
            models.UniqueConstraint(
                fields=["affiliate"], condition=Q(replaced_at=None), name="one_billing_details_in_force"
            ),
            models.CheckConstraint(
                condition=~Q(party="private") | Q(vat_number="", is_small_business=False),
                name="private_person_has_no_vat_number",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.legal_name}, {self.country}"


class SelfBillingAgreement(models.Model):
    """An affiliate's agreement that the operator writes its invoices: its wording, start and end."""

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="self_billing_agreements")
    words = models.TextField(max_length=2000)
    agreed_at = models.DateTimeField()
    agreed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    note = models.CharField(max_length=250, blank=True, help_text=_("Where an operator recorded it: how it was given."))
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["affiliate"], condition=Q(ended_at=None), name="one_self_billing_agreement_in_force"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("agreed_at"), ended_by__isnull=False),
                name="self_billing_agreement_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.affiliate}, {self.agreed_at:%Y-%m-%d}"


class VatRate(models.Model):
    """A country's standard rate from a day on, entered by hand. It goes before the table that comes along."""

    country = models.CharField(max_length=2, validators=[country_code])
    percent = models.DecimalField(
        max_digits=5, decimal_places=2, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    valid_from = models.DateField()
    note = models.CharField(max_length=250, blank=True, help_text=_("Where it is from, for your own records."))

    class Meta:
        ordering = ["country", "-valid_from"]
        verbose_name = _("VAT rate")
        constraints = [
            models.UniqueConstraint(fields=["country", "valid_from"], name="vat_rate_once_a_day"),
            models.CheckConstraint(condition=Q(percent__gte=0, percent__lte=100), name="vat_rate_is_a_percentage"),
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.percent.normalize():f} % from {self.valid_from}"


class Invoice(models.Model):
    """An invoice for the commission of a statement, or a credit note that corrects one. Immutable; amounts signed."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", _("Invoice")
        CREDIT_NOTE = "credit_note", _("Credit note")

    kind = models.CharField(max_length=11, choices=Kind)
    number = models.CharField(max_length=30, unique=True)
    issuer = models.ForeignKey(Issuer, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="invoices")
    statement = models.ForeignKey(Statement, models.PROTECT, related_name="invoices")
    original = models.ForeignKey("self", models.PROTECT, null=True, related_name="credit_notes")
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # As they were on the day of issue: {"name", "address", "country", "vat_number", "registration"}.
    seller = models.JSONField()
    buyer = models.JSONField()
    # What it is for: [{"text", "entries", "net", "vat"}], amounts as texts.
    lines = models.JSONField()
    currency = CurrencyField()
    net = AmountField(help_text=_("Below zero on a credit note."))
    vat = AmountField()
    gross = AmountField()
    rule = models.CharField(max_length=20, help_text=_("The tax rule that was applied."))
    percent = models.DecimalField(max_digits=5, decimal_places=2, help_text=_("The VAT rate that was applied."))
    percent_since = models.DateField(null=True, help_text=_("Since when this rate has been in force."))
    # The wording required by law: self-billing, reverse charge, the reason for no VAT.
    notes = models.JSONField(default=list)
    # The VAT in the currency of the country that it is owed in, where that is another one.
    local_vat = AmountField(null=True)
    local_currency = CurrencyField(blank=True)
    local_rate = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    local_rate_day = models.DateField(null=True)
    local_rate_source = models.CharField(max_length=20, blank=True)
    vat_entry = models.OneToOneField(LedgerEntry, models.PROTECT, null=True, related_name="invoice")

    class Meta:
        ordering = ["-issued_at", "-id"]
        triggers: ClassVar = [*append_only("invoice_append_only"), events.invoice_issued]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "kind", "year", "sequence"], name="invoice_sequence_once"),
            models.UniqueConstraint(fields=["statement"], condition=Q(kind="invoice"), name="statement_invoiced_once"),
            models.UniqueConstraint(fields=["statement", "original"], name="statement_corrects_invoice_once"),
            models.CheckConstraint(condition=Q(gross=F("net") + F("vat")), name="invoice_adds_up"),
            models.CheckConstraint(
                condition=Q(kind="invoice", original=None, net__gt=0, vat__gte=0)
                | Q(kind="credit_note", original__isnull=False, net__lt=0, vat__lte=0),
                name="credit_note_names_its_invoice",
            ),
            models.CheckConstraint(
                condition=Q(vat=0, vat_entry=None) | (~Q(vat=0) & Q(vat_entry__isnull=False)),
                name="invoice_vat_is_in_the_ledger",
            ),
            models.CheckConstraint(
                condition=Q(local_vat=None, local_rate=None, local_currency="")
                | Q(local_vat__isnull=False, local_rate__gt=0, local_rate_day__isnull=False),
                name="invoice_names_its_rate",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_credit_note(self) -> bool:
        return self.kind == self.Kind.CREDIT_NOTE


class InvoiceCounter(models.Model):
    """The last number of a year. Its row is locked from the numbering to the commit, so no number is ever left out."""

    issuer = models.ForeignKey(Issuer, models.PROTECT, related_name="counters")
    kind = models.CharField(max_length=11, choices=Invoice.Kind)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "kind", "year"], name="invoice_counter_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.year}: {self.last}"


class Invoicing(models.Model):
    """A statement that was invoiced: its commission, and the sum of its invoice and credit notes, both before VAT.

    Negative commission that could not be credited against an invoice (`earned` less than `documented`) is carried into
    the account's next invoice.
    """

    statement = models.OneToOneField(Statement, models.PROTECT, related_name="invoicing")
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="+")
    currency = CurrencyField()
    earned = AmountField()
    documented = AmountField()
    done_at = models.DateTimeField()
    done_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        triggers: ClassVar = append_only("invoicing_append_only")
        indexes = [models.Index(fields=["affiliate", "currency"], name="invoicing_by_account")]

    def __str__(self) -> str:
        return f"Invoicing of statement {self.statement_id}"
