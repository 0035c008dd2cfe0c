"""Forms of the operator panel for people, advertisers and offers."""

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext, ngettext
from unfold.forms import UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextareaWidget

from affiliates.admin.role_forms import RolesOfPerson
from affiliates.approvals import (
    AFFILIATE_STEPS,
    ENROLLMENT_STEPS,
    OFFER_STEPS,
    StepNotAllowed,
    change_affiliates,
    change_offers,
    decide_enrollments,
)
from affiliates.models import (
    Advertiser,
    AdvertiserSecret,
    Affiliate,
    ApiKey,
    Enrollment,
    Offer,
    User,
)
from records.translation import gettext_lazy as _
from records.words import counted
from web.panel import ConfirmForm, DaysField, ListField, SecondsField
from web.panel.confirm import note_field


def items_of(model: type[Model], field: str) -> Any:
    """The field that validates each item of a list."""
    return model._meta.get_field(field).base_field  # type: ignore[union-attr]


class UserAddForm(RolesOfPerson, UserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name", "roles", "custom_roles")
        field_classes: ClassVar[dict[str, Any]] = {}


class UserEditForm(RolesOfPerson, UserChangeForm):
    class Meta:
        model = User
        fields = ("email", "name", "time_zone", "password", "is_active", "roles", "custom_roles")
        field_classes: ClassVar[dict[str, Any]] = {}


class AdvertiserForm(forms.ModelForm):  # type: ignore[type-arg]
    pixel_hosts = ListField(
        base_field=items_of(Advertiser, "pixel_hosts"),
        label=_("Pixel hosts"),
        help_text=_("Hosts of the pages that contain the pixel; *.example.com allows every host below it."),
    )
    sender_networks = ListField(
        base_field=items_of(Advertiser, "sender_networks"),
        label=_("Sender networks"),
        help_text=_(
            "Addresses or networks (203.0.113.0/24) that postbacks may come from. If none is listed, any address "
            "may send."
        ),
    )

    class Meta:
        model = Advertiser
        fields = (
            *("name", "is_active", "currency", "default_goal", "requires_signature", "sender_networks"),
            *("allows_pixel", "trusts_pixel", "pixel_hosts"),
        )


class OfferForm(forms.ModelForm):  # type: ignore[type-arg]
    attribution_window = DaysField(
        help_text=_("How long after the click an event still counts."), label=_("Attribution window")
    )
    attribution_window_minimum = SecondsField(
        label=_("Shortest time"),
        help_text=_("An event sooner after the click than this is rejected as too early. Empty: none is too early."),
    )
    customer_lock_expires = DaysField(
        required=False,
        label=_("The lock ends after"),
        help_text=_("Then the customer's next click takes over. Empty: the lock holds for good."),
    )
    deep_link_hosts = ListField(
        base_field=items_of(Offer, "deep_link_hosts"),
        label=_("Deep link hosts"),
        help_text=_("Hosts that an affiliate's url= may lead to; *.example.com allows every host below it."),
    )
    pass_through_names = ListField(
        base_field=items_of(Offer, "pass_through_names"),
        label=_("Listed parameters"),
        help_text=_("The parameters that are passed through when only listed ones are, for example utm_source."),
    )
    countries = ListField(
        base_field=items_of(Offer, "countries"),
        label=_("Countries"),
        help_text=_("Two capitals each: DE, BR. Visitors from elsewhere go to the fallback; none listed allows all."),
        capitals=True,
    )

    class Meta:
        model = Offer
        fields = (
            *("name", "advertiser", "vertical", "description", "terms", "currency", "destination_url", "fallback_url"),
            *("deep_link_hosts", "pass_through", "pass_through_names", "countries", "starts_at", "ends_at"),
            *("daily_click_cap", "daily_conversion_cap", "attribution_window", "customer_lock", "requires_approval"),
            *("attribution_window_minimum", "attribution_model", "customer_lock_expires"),
        )
        widgets: ClassVar = {
            "description": UnfoldAdminTextareaWidget({"rows": 4}),
            "terms": UnfoldAdminTextareaWidget({"rows": 4}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "attribution_window" in self.fields:
            self.fields["attribution_window"].initial = Offer._meta.get_field("attribution_window").get_default()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        starts_at, ends_at = given.get("starts_at"), given.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", gettext("The offer must end after it starts."))
        shortest, window = given.get("attribution_window_minimum"), given.get("attribution_window")
        if shortest and window and shortest >= window:
            self.add_error(
                "attribution_window_minimum", gettext("The shortest time must be below the attribution window.")
            )
        if given.get("pass_through") == Offer.PassThrough.LISTED and not given.get("pass_through_names"):
            self.add_error("pass_through_names", gettext("List the parameters that are passed through."))
        return given


class ChangeAffiliates(ConfirmForm):
    """Change the status of affiliates, with a note that they see."""

    to: ClassVar[Affiliate.Status]
    done: ClassVar[str]

    @classmethod
    def fits(cls, row: Affiliate) -> bool:
        return row.status in AFFILIATE_STEPS[cls.to]

    def describe(self, row: Affiliate) -> str:
        return f"{row.public_id} · {row.get_status_display()}"

    def perform(self, *, actor: User, now: datetime) -> str:
        note = self.cleaned_data["note"]
        try:
            count = change_affiliates(affiliate_ids=[row.pk for row in self.rows], to=self.to, note=note)
        except StepNotAllowed as error:
            raise ValidationError(str(error)) from error
        return _done_message(count, len(self.rows), "affiliate", self.done, note)


class ApproveAffiliates(ChangeAffiliates):
    title, submit, to, done = _("Approve"), _("Approve"), Affiliate.Status.ACTIVE, _("approved")
    explanation = _("Approved affiliates can sign in, apply for offers and have their clicks counted.")
    note = note_field(required=False, help_text=_("Optional; the affiliate can read it."))


class SuspendAffiliates(ChangeAffiliates):
    title, submit, tone, to, done = _("Suspend"), _("Suspend"), "danger", Affiliate.Status.SUSPENDED, _("suspended")
    explanation = _("Their links stop within a second: visitors go to the offer's fallback address or get 410 Gone.")
    note = note_field(required=True, help_text=_("The reason; the affiliate can read it."))


class CloseAffiliates(ChangeAffiliates):
    title, submit, tone, to, done = _("Close"), _("Close for good"), "danger", Affiliate.Status.CLOSED, _("closed")
    explanation = _("A closed account cannot be opened again. What it earned stays owed and in the ledger.")
    note = note_field(required=True, help_text=_("The reason; the affiliate can read it."))


class DecideEnrollments(ConfirmForm):
    to: ClassVar[Enrollment.Status]
    done: ClassVar[str]

    @classmethod
    def fits(cls, row: Enrollment) -> bool:
        return row.status in ENROLLMENT_STEPS[cls.to]

    def describe(self, row: Enrollment) -> str:
        return row.get_status_display()

    def perform(self, *, actor: User, now: datetime) -> str:
        note, ids = self.cleaned_data["note"], [row.pk for row in self.rows]
        try:
            count = decide_enrollments(enrollment_ids=ids, to=self.to, note=note, actor=actor, now=now)
        except StepNotAllowed as error:
            raise ValidationError(str(error)) from error
        return _done_message(count, len(self.rows), "enrollment", self.done, note)


class ApproveEnrollments(DecideEnrollments):
    title, submit, to, done = _("Approve"), _("Approve"), Enrollment.Status.APPROVED, _("approved")
    explanation = _("The affiliate can make tracking links for the offer at once.")
    note = note_field(required=False, help_text=_("Optional; the affiliate can read it."))


class RejectEnrollments(DecideEnrollments):
    title, submit, tone, to, done = _("Reject"), _("Reject"), "danger", Enrollment.Status.REJECTED, _("rejected")
    explanation = _("The affiliate sees the rejection with your note.")
    note = note_field(required=True, help_text=_("The reason; the affiliate can read it."))


class BlockEnrollments(DecideEnrollments):
    title, submit, tone, to, done = _("Block"), _("Block"), "danger", Enrollment.Status.BLOCKED, _("blocked")
    explanation = _("Links to the offer stop within a second. Conversions made before keep their status.")
    note = note_field(required=True, help_text=_("The reason; the affiliate can read it."))


class ChangeOffers(ConfirmForm):
    to: ClassVar[Offer.Status]
    done: ClassVar[str]

    @classmethod
    def fits(cls, row: Offer) -> bool:
        return row.status in OFFER_STEPS[cls.to]

    def describe(self, row: Offer) -> str:
        return f"{row.advertiser} · {row.get_status_display()}"

    def perform(self, *, actor: User, now: datetime) -> str:
        try:
            count = change_offers(offer_ids=[row.pk for row in self.rows], to=self.to)
        except StepNotAllowed as error:
            raise ValidationError(str(error)) from error
        return _done_message(count, len(self.rows), "offer", self.done, "")


class ActivateOffers(ChangeOffers):
    title, submit, to, done = _("Activate"), _("Activate"), Offer.Status.ACTIVE, _("activated")
    explanation = _("Links of approved affiliates lead to the destination at once.")


class PauseOffers(ChangeOffers):
    title, submit, tone, to, done = _("Pause"), _("Pause"), "danger", Offer.Status.PAUSED, _("paused")
    explanation = _("Visitors go to the fallback address or get 410 Gone. Postbacks for earlier clicks still count.")


class EndOffers(ChangeOffers):
    title, submit, tone, to, done = _("End"), _("End for good"), "danger", Offer.Status.ENDED, _("ended")
    explanation = _("An ended offer cannot be activated again. Postbacks for earlier clicks still count.")


class MakeSecret(forms.Form):
    """Create a token or HMAC secret beside the active ones."""

    kind = forms.ChoiceField(choices=AdvertiserSecret.Kind.choices, label=_("Kind"))
    label = forms.CharField(max_length=60, required=False, label=_("Label"))


class RevokeSecret(ConfirmForm):
    title, submit, tone = _("Revoke"), _("Revoke"), "danger"
    explanation = _("Postbacks that still use it are refused from now on. Send the sender its successor first.")

    @classmethod
    def fits(cls, row: AdvertiserSecret) -> bool:
        return row.revoked_at is None

    def perform(self, *, actor: User, now: datetime) -> str:
        ids = [row.pk for row in self.rows]
        count = AdvertiserSecret.objects.filter(pk__in=ids, revoked_at=None).update(revoked_at=now)
        return _done_message(count, len(ids), "secret", "revoked", "")


class RevokeApiKeys(ConfirmForm):
    title, submit, tone = _("Revoke"), _("Revoke"), "danger"
    explanation = _("Programs that use the key are refused from now on. A revoked key cannot be restored.")

    @classmethod
    def fits(cls, row: ApiKey) -> bool:
        return row.revoked_at is None

    def describe(self, row: ApiKey) -> str:
        return f"{row.user}"

    def perform(self, *, actor: User, now: datetime) -> str:
        ids = [row.pk for row in self.rows]
        return _done_message(
            ApiKey.objects.filter(pk__in=ids, revoked_at=None).update(revoked_at=now),
            len(ids),
            _("API key"),
            "revoked",
            "",
        )


def _done_message(count: int, asked: int, noun: str, done: str, note: str) -> str:
    """`2 affiliates suspended; 1 unchanged. Note: …`"""
    text = f"{counted(count, noun)} {done}"
    if already := asked - count:
        text += "; " + ngettext("{number} unchanged", "{number} unchanged", already).format(number=already)
    return gettext("{text}. Note: {note}").format(text=text, note=note) if note else f"{text}."
