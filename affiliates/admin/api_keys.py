"""API keys: an operator makes and changes their own; those who look after accounts see all and revoke them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSplitDateTimeWidget

from affiliates.access.api_keys import make_api_key, rotate_api_key
from affiliates.access.operators import operator
from affiliates.access.power import may_bind
from affiliates.admin.forms import RevokeApiKeys, items_of
from affiliates.admin.role_forms import Ticks, TicksField
from affiliates.models import Affiliate, ApiKey, User
from affiliates.roles.scopes import BY_CODE, SCOPES
from records.translation import gettext_lazy as _
from web.panel import ConfirmForm, DayRangeFilter, ListField, PanelAdmin, ReachableFilter, code, column, question, when

OTHERS = "affiliates.view_others_apikey"


def scope_choices() -> list[tuple[str, Any]]:
    return [(each.code, format_html("<strong>{}</strong> {}", each.title, each.words)) for each in SCOPES]


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """What the key may do, from where and until when. It acts for the person who makes it."""

    scopes = TicksField(
        choices=scope_choices,
        initial=["read"],
        widget=Ticks,
        label=_("May"),
        help_text=_("A key never does more than your roles allow."),
    )
    addresses = ListField(
        base_field=items_of(ApiKey, "addresses"),
        label=_("Allowed addresses"),
        help_text=_("Addresses or networks (203.0.113.0/24) that may use the key. None listed: any."),
    )

    class Meta:
        model = ApiKey
        fields = ("name", "affiliate", "scopes", "expires_at", "addresses")
        widgets = {"expires_at": UnfoldAdminSplitDateTimeWidget}  # noqa: RUF012

    actor: User

    def clean_affiliate(self) -> Affiliate | None:
        affiliate: Affiliate | None = self.cleaned_data["affiliate"]
        if affiliate and not may_bind(self.actor, affiliate.pk):
            raise ValidationError(
                gettext(
                    "Only operators who may change the affiliate and its members bind a key to it. Leave the affiliate "
                    "empty, or ask an administrator."
                )
            )
        return affiliate

    def clean_expires_at(self) -> Any:
        given = self.cleaned_data["expires_at"]
        if given and given <= timezone.now():
            raise ValidationError(gettext("This moment is past. Choose a later one, or leave it empty."))
        return given


class RotateApiKey(ConfirmForm):
    """A new secret, beside the old one for a time."""

    title, submit, permission = _("New secret"), _("Make a new secret"), "affiliates.change_apikey"
    explanation = _("The key gets a new secret, which is shown once. The old one stays valid for the time you choose.")
    keep_hours = forms.TypedChoiceField(
        choices=[(24, _("a day")), (1, _("an hour")), (168, _("a week")), (0, _("not at all"))],
        coerce=int,
        label=_("The old secret stays valid for"),
        widget=UnfoldAdminSelectWidget,
    )

    @classmethod
    def fits(cls, row: ApiKey) -> bool:
        return row.revoked_at is None

    def perform(self, *, actor: User, now: Any) -> str:
        [row] = self.rows
        row.once = rotate_api_key(key_id=row.pk, keep_hours=self.cleaned_data["keep_hours"], now=now)
        return gettext("The key {row} has a new secret.").format(row=row.name)


@admin.register(ApiKey)
class ApiKeyAdmin(PanelAdmin):
    form = ApiKeyForm
    list_display = ("name", "shown_hint", "user", "affiliate", "may", "state", "last_used", "created_at")
    list_filter = (("affiliate", ReachableFilter), ("created_at", DayRangeFilter))
    list_select_related = ("user", "affiliate")
    search_fields = ("name", "hint", "user__email", "affiliate__name")
    autocomplete_fields = ("affiliate",)
    sortable_by = ("name", "created_at")
    actions = ("revoke",)
    actions_detail = ("rotate", "revoke")
    readonly_fields = ("shown_hint", "user", "state", "last_used", "created_at")
    fields = (
        ("name", "shown_hint"),
        ("user", "affiliate"),
        "scopes",
        "expires_at",
        "addresses",
        ("state", "last_used"),
        "created_at",
    )
    revoke = question(RevokeApiKeys, description=_("Revoke"), icon="key_off")
    rotate = question(RotateApiKey, description=_("New secret"), icon="key", permission="rotate")
    shown_hint = column(_("Begins with"), lambda row: code(f"{row.hint}…"))
    may = column(_("May"), lambda row: ", ".join(str(BY_CODE[each].title) for each in row.scopes if each in BY_CODE))
    state = column(_("State"), lambda row: state_of(row))
    last_used = column(_("Last used"), lambda row: used(row))

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiKey]":
        """One's own keys, and with the right to look after accounts those of others; never the secret itself."""
        user = operator(request)
        rows: QuerySet[ApiKey] = ApiKey.objects.select_related("user", "affiliate")
        others = user.affiliates_within(OTHERS)
        whose = Q() if others is None else Q(user=user) | Q(affiliate__in=others)
        return rows.filter(whose).order_by("-created_at")

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.fields if obj else ("name", "affiliate", "scopes", "expires_at", "addresses")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "affiliate") if obj else ()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        own = ApiKeyForm.declared_fields.get(db_field.name)
        return own or super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type("ApiKeyFormFor", (form,), {"actor": operator(request)})

    def _is_own(self, request: HttpRequest, obj: Any) -> bool:
        pk = obj.pk if isinstance(obj, ApiKey) else obj
        return ApiKey.objects.filter(pk=pk, user=operator(request)).exists()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What a key may do is decided by the person it acts for."""
        return bool(request.user.has_perm("affiliates.change_apikey")) and (obj is None or self._is_own(request, obj))

    def has_rotate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_decide_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """To revoke: one's own, or as an administrator anyone's."""
        return operator(request).is_superuser or self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key is revoked: what it was, and when it was used last, stays known."""
        return False

    def may_act_on(self, request: HttpRequest, row: Any) -> bool:
        return operator(request).is_superuser or self._is_own(request, row)

    def _beyond(self, request: HttpRequest, chosen: list[Any], form_class: type[ConfirmForm]) -> Any:
        """Keys belong to people, not to affiliates. Only revoking is also for administrators."""
        revokes = form_class is RevokeApiKeys
        may = self.may_act_on if revokes else self._is_own
        return next((row for row in chosen if not may(request, row)), None)

    def _do(self, request: HttpRequest, form: ConfirmForm) -> HttpResponse | None:
        done = super()._do(request, form)
        is_new = done is not None and isinstance(form, RotateApiKey)
        return self._shown_once(request, form.rows[0], gettext("New secret")) if is_new else done

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """The text of a new key is known only now: it is stored for the page that shows it once."""
        if change:
            super().save_model(request, obj, form, change)
            return
        names = ("name", "affiliate", "scopes", "expires_at", "addresses")
        given = {name: form.cleaned_data.get(name) for name in names}
        made, text = make_api_key(user=operator(request), **given)
        obj.__dict__.update(made.__dict__, once=text)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self._shown_once(request, obj, gettext("New API key"))

    def _shown_once(self, request: HttpRequest, key: Any, title: str) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, "key": key}
        answer = TemplateResponse(request, "admin/affiliates/apikey/made.html", context)
        answer.headers["Cache-Control"] = "private, no-store"
        return answer


def state_of(row: ApiKey) -> Any:
    """Valid, expired or revoked; and until when an old secret is valid too."""
    now = timezone.now()
    if row.revoked_at:
        return format_html("{} {}", gettext("Revoked"), when(row.revoked_at))
    if row.expires_at and row.expires_at <= now:
        return format_html("{} {}", gettext("Expired"), when(row.expires_at))
    shown = format_html("{} {}", gettext("Valid until"), when(row.expires_at)) if row.expires_at else gettext("Valid")
    if row.old_until and row.old_until > now:
        return format_html("{}<br>{} {}", shown, gettext("Old secret until"), when(row.old_until))
    return shown


def used(row: ApiKey) -> Any:
    if row.last_used_at is None:
        return gettext("Never")
    return format_html("{}<br>{}", when(row.last_used_at), row.last_used_from or "")
