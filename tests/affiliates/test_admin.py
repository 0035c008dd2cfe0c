"""What operators do with affiliates, enrollments, offers, secrets, keys and users in the panel."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from affiliates.approvals import StepNotAllowed, change_affiliates
from affiliates.models import Advertiser, AdvertiserSecret, Affiliate, ApiKey, Enrollment, Offer, TrackingDomain, User
from records.secrets import digest
from tests.factories import (
    AdvertiserFactory,
    AdvertiserSecretFactory,
    AffiliateFactory,
    EnrollmentFactory,
    GoalFactory,
    OfferFactory,
    OperatorFactory,
)

CONFIRMED = {"confirmed": "yes"}


@pytest.fixture
def desk(olga, client) -> Client:
    client.force_login(olga)
    return client


def action_url(name: str, row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def reported(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


class TestAffiliates:
    def test_are_approved_only_after_a_confirmation(self, desk):
        finn = AffiliateFactory(name="Finn", status=Affiliate.Status.PENDING)
        page = desk.get(action_url("approve", finn))
        assert "Approve: Finn" in page.content.decode()
        finn.refresh_from_db()
        assert finn.status == Affiliate.Status.PENDING
        response = desk.post(action_url("approve", finn), {**CONFIRMED, "note": "Welcome"}, follow=True)
        finn.refresh_from_db()
        assert (finn.status, finn.status_note) == (Affiliate.Status.ACTIVE, "Welcome")
        assert reported(response) == "1 affiliate approved. Note: Welcome"

    def test_are_suspended_only_with_a_note(self, desk, ana):
        page = desk.post(action_url("suspend", ana), {**CONFIRMED, "note": ""}).content.decode()
        assert "This field is required" in page
        desk.post(action_url("suspend", ana), {**CONFIRMED, "note": "Fake traffic"})
        ana.refresh_from_db()
        assert (ana.status, ana.status_note) == (Affiliate.Status.SUSPENDED, "Fake traffic")

    def test_a_step_that_is_not_allowed_names_the_affiliate_and_changes_no_one(self, desk):
        gus, gone = AffiliateFactory(status="pending"), AffiliateFactory(name="Gone", status="closed")
        listing = reverse("admin:affiliates_affiliate_changelist")
        chosen = {"action": "approve", "_selected_action": [gus.pk, gone.pk], **CONFIRMED, "note": ""}
        page = desk.post(listing, chosen).content.decode()
        assert "Gone is “Closed” and cannot become “Active”." in page
        gus.refresh_from_db()
        assert gus.status == Affiliate.Status.PENDING

    def test_many_are_approved_from_the_list(self, desk):
        rows = AffiliateFactory.create_batch(3, status="pending")
        listing = reverse("admin:affiliates_affiliate_changelist")
        first = desk.post(listing, {"action": "approve", "index": "0", "_selected_action": [row.pk for row in rows]})
        assert "Approve: 3 selected" in first.content.decode()
        again = {"action": "approve", "_selected_action": [row.pk for row in rows], **CONFIRMED, "note": ""}
        assert reported(desk.post(listing, again, follow=True)) == "3 affiliates approved."
        assert Affiliate.objects.filter(status="active").count() == 3

    def test_the_action_is_written_down(self, desk, olga, ana):
        desk.post(action_url("suspend", ana), {**CONFIRMED, "note": "Fake traffic"})
        entry = LogEntry.objects.get()
        assert (entry.user, entry.object_id) == (olga, str(ana.pk))
        assert entry.get_change_message() == "1 affiliate suspended. Note: Fake traffic"

    def test_the_page_offers_only_what_fits(self, desk, ana):
        page = desk.get(action_url("change", ana)).content.decode()
        assert action_url("suspend", ana) in page
        assert action_url("approve", ana) not in page

    def test_status_is_not_among_the_fields_of_the_form(self, desk, ana):
        fields = {"name": "Ana", "country": "DE", "currency": "EUR", "website": "", "status": "closed"}
        empty = {
            f"{p}-{key}": "0"
            for p in ("members", "enrollments", "assignments", "parentage")
            for key in ("TOTAL_FORMS", "INITIAL_FORMS")
        }
        assert desk.post(action_url("change", ana), {**fields, **empty}).status_code == 302
        ana.refresh_from_db()
        assert ana.status == Affiliate.Status.ACTIVE

    def test_closing_is_for_good(self, ana):
        change_affiliates(affiliate_ids=[ana.pk], to=Affiliate.Status.CLOSED, note="Asked for it")
        with pytest.raises(StepNotAllowed, match="Ana is “Closed”"):
            change_affiliates(affiliate_ids=[ana.pk], to=Affiliate.Status.ACTIVE, note="")


class TestEnrollments:
    @pytest.mark.parametrize(
        ("action_name", "before", "after"),
        [("approve", "pending", "approved"), ("reject", "pending", "rejected"), ("block", "approved", "blocked")],
    )
    def test_are_decided_with_who_and_when(self, desk, olga, action_name, before, after):
        row = EnrollmentFactory(status=before)
        desk.post(action_url(action_name, row), {**CONFIRMED, "note": "Seen"})
        row.refresh_from_db()
        assert (row.status, row.decided_by, row.note) == (after, olga, "Seen")
        assert row.decided_at is not None

    def test_blocking_an_application_is_refused(self, desk):
        row = EnrollmentFactory(status="pending")
        page = desk.post(action_url("block", row), {**CONFIRMED, "note": "No"}).content.decode()
        assert "is “Applied” and cannot become “Blocked”" in page
        row.refresh_from_db()
        assert row.status == Enrollment.Status.PENDING

    def test_enrolling_by_hand_remembers_who_did_it(self, desk, olga, ana):
        offer = OfferFactory()
        path = reverse("admin:affiliates_enrollment_add")
        desk.post(path, {"affiliate": ana.pk, "offer": offer.pk, "status": "approved", "note": ""})
        row = Enrollment.objects.get()
        assert (row.status, row.decided_by) == (Enrollment.Status.APPROVED, olga)


class TestOffers:
    def test_are_paused_and_activated(self, desk):
        offer = OfferFactory(status=Offer.Status.DRAFT)
        desk.post(action_url("activate", offer), CONFIRMED)
        offer.refresh_from_db()
        assert offer.status == Offer.Status.ACTIVE
        desk.post(action_url("pause", offer), CONFIRMED)
        offer.refresh_from_db()
        assert offer.status == Offer.Status.PAUSED

    def test_a_get_changes_nothing(self, desk):
        offer = OfferFactory()
        desk.get(action_url("end", offer), CONFIRMED)
        offer.refresh_from_db()
        assert offer.status == Offer.Status.ACTIVE

    @pytest.fixture
    def new_offer(self) -> dict[str, str | int]:
        empty = {f"{p}-{key}": "0" for p in ("goals", "destinations") for key in ("TOTAL_FORMS", "INITIAL_FORMS")}
        fields = {"name": "Fox", "vertical": "igaming", "currency": "EUR", "customer_lock": "first", **empty}
        fields["attribution_model"] = "last_click"
        urls = {"destination_url": "https://fox.example/?c={click_id}", "fallback_url": "", "pass_through": "none"}
        return {**fields, **urls, "advertiser": AdvertiserFactory().pk, "attribution_window": "30"}

    def test_the_window_is_given_in_days(self, desk, db, new_offer):
        path = reverse("admin:affiliates_offer_add")
        assert desk.post(path, {**new_offer, "attribution_window": "0.5"}).status_code == 302
        assert Offer.objects.get().attribution_window == timedelta(hours=12)
        page = desk.get(action_url("change", Offer.objects.get())).content.decode()
        assert 'value="0.5"' in page

    def test_the_shortest_time_is_given_in_seconds_and_the_end_of_the_lock_in_days(self, desk, db, new_offer):
        path, given = reverse("admin:affiliates_offer_add"), {"attribution_window_minimum": "2.5"}
        assert desk.post(path, {**new_offer, **given, "customer_lock_expires": "90"}).status_code == 302
        row = Offer.objects.get()
        assert row.attribution_window_minimum == timedelta(seconds=2.5)
        assert row.customer_lock_expires == timedelta(days=90)
        assert 'value="2.5"' in desk.get(action_url("change", row)).content.decode()

    @pytest.mark.parametrize(
        ("seconds", "reported"), [("x", "number of seconds"), ("-1", "0 to 86,400"), ("NaN", "0 to")]
    )
    def test_a_shortest_time_that_is_none_is_refused(self, desk, db, new_offer, seconds, reported):
        page = desk.post(reverse("admin:affiliates_offer_add"), {**new_offer, "attribution_window_minimum": seconds})
        assert reported in page.content.decode()
        assert not Offer.objects.exists()

    def test_a_shortest_time_above_the_window_is_refused(self, desk, db, new_offer):
        given = {"attribution_window": "0.5", "attribution_window_minimum": "50000"}
        page = desk.post(reverse("admin:affiliates_offer_add"), {**new_offer, **given})
        assert "must be below the attribution window" in page.content.decode()

    @pytest.mark.parametrize("days", ["0", "-1", "soon", "NaN", "99999"])
    def test_a_window_that_is_none_is_refused(self, desk, db, new_offer, days):
        page = desk.post(reverse("admin:affiliates_offer_add"), {**new_offer, "attribution_window": days})
        assert page.status_code == 200
        assert "days" in str(page.context["adminform"].form.errors["attribution_window"])
        assert not Offer.objects.exists()

    def test_hosts_and_countries_are_judged_one_by_one(self, desk, db, new_offer):
        lists = {"deep_link_hosts": ["shop.example", "https://x.example/a"], "countries": ["de", "Germany"]}
        errors = (
            desk.post(reverse("admin:affiliates_offer_add"), {**new_offer, **lists}).context["adminform"].form.errors
        )
        assert str(errors["deep_link_hosts"]).count("https://x.example/a:") == 1
        assert "shop.example:" not in str(errors["deep_link_hosts"])
        assert "GERMANY:" in str(errors["countries"])

    def test_lists_are_kept_in_order(self, desk, db, new_offer):
        lists = {"deep_link_hosts": ["b.example", "", "*.a.example"], "countries": ["de", "BR"]}
        assert desk.post(reverse("admin:affiliates_offer_add"), {**new_offer, **lists}).status_code == 302
        offer = Offer.objects.get()
        assert (offer.deep_link_hosts, offer.countries) == (["b.example", "*.a.example"], ["DE", "BR"])


class TestSecrets:
    def path(self, advertiser: Advertiser) -> str:
        return reverse("admin:affiliates_advertiser_secrets", args=[advertiser.pk])

    def test_are_masked_until_asked_for(self, desk):
        secret = AdvertiserSecretFactory(text="aft_very_secret")
        path = self.path(secret.advertiser)
        assert "aft_very_secret" not in desk.get(path).content.decode()
        page = desk.get(path, {"show": secret.pk})
        assert "aft_very_secret" in page.content.decode()
        assert "no-store" in page["Cache-Control"]

    def test_reading_one_back_is_written_down(self, desk, olga):
        secret = AdvertiserSecretFactory(text="aft_very_secret")
        desk.get(self.path(secret.advertiser))
        assert not LogEntry.objects.exists()
        desk.get(self.path(secret.advertiser), {"show": secret.pk})
        assert LogEntry.objects.get().get_change_message() == f"Read back Token #{secret.pk}."

    def test_a_secret_of_another_advertiser_is_not_read_here(self, desk):
        theirs, ours = AdvertiserSecretFactory(text="aft_theirs"), AdvertiserFactory()
        assert "aft_theirs" not in desk.get(self.path(ours), {"show": theirs.pk}).content.decode()

    def test_a_new_one_stands_beside_the_old(self, desk):
        old = AdvertiserSecretFactory()
        page = desk.post(self.path(old.advertiser), {"kind": "hmac", "label": "live"}, follow=True).content.decode()
        made = AdvertiserSecret.objects.exclude(pk=old.pk).get()
        assert (made.kind, made.label, old.revoked_at) == ("hmac", "live", None)
        assert any(
            made.digest == digest(word) for word in page.replace('"', " ").replace("<", " ").replace(">", " ").split()
        )

    def test_revoking_asks_first(self, desk):
        secret = AdvertiserSecretFactory()
        path = reverse("admin:affiliates_advertisersecret_revoke", args=[secret.pk])
        desk.get(path)
        secret.refresh_from_db()
        assert secret.revoked_at is None
        desk.post(path, CONFIRMED)
        secret.refresh_from_db()
        assert secret.revoked_at is not None

    def test_ready_made_postbacks_name_goal_currency_and_token(self, desk):
        secret = AdvertiserSecretFactory(text="aft_live")
        goal = GoalFactory(offer__advertiser=secret.advertiser, code="ftd", needs_customer_id=True, needs_revenue=True)
        page = desk.get(self.path(secret.advertiser), {"show": secret.pk}).content.decode()
        query = (
            "click_id={click_id}&amp;txid={transaction_id}&amp;event_type=ftd&amp;customer_id={customer_id}"
            f"&amp;revenue={{amount}}&amp;currency={goal.offer.currency}&amp;token=aft_live"
        )
        assert f"/postback?{query}" in page

    def test_sender_networks_are_judged_one_by_one(self, desk):
        advertiser = AdvertiserFactory(name="Fox")
        fields = {"name": "Fox", "is_active": "on", "currency": "EUR", "sender_networks": ["203.0.113.0/24", "here"]}
        page = desk.post(action_url("change", advertiser), fields)
        assert "here: Give an address or a network" in page.content.decode()
        desk.post(action_url("change", advertiser), {**fields, "sender_networks": ["203.0.113.0/24"]})
        advertiser.refresh_from_db()
        assert advertiser.sender_networks == ["203.0.113.0/24"]


class TestApiKeys:
    def test_the_key_is_shown_once_and_kept_as_a_digest(self, desk, olga):
        page = desk.post(reverse("admin:affiliates_apikey_add"), {"name": "BI", "scopes": ["read"], "affiliate": ""})
        key = ApiKey.objects.get()
        shown = page.context["key"].once
        assert shown in page.content.decode()
        assert (key.digest, key.hint) == (digest(shown), shown[:8])
        assert shown not in desk.get(action_url("change", key)).content.decode()

    def test_a_revoked_key_is_refused(self, desk, olga):
        page = desk.post(reverse("admin:affiliates_apikey_add"), {"name": "BI", "scopes": ["read"], "affiliate": ""})
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {page.context['key'].once}"}
        assert Client().get("/api/v1/me/", **bearer).status_code == 200
        desk.post(action_url("revoke", ApiKey.objects.get()), CONFIRMED)
        assert Client().get("/api/v1/me/", **bearer).status_code == 401


class TestUsers:
    def test_a_person_who_acted_cannot_be_deleted(self, desk, olga, ana):
        omar = OperatorFactory()
        path = reverse("admin:affiliates_user_delete", args=[omar.pk])
        LogEntry.objects.log_actions(omar.pk, [ana], 2, change_message="Looked at.")
        assert desk.post(path, {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": [omar.pk], "post": "yes"}
        desk.post(reverse("admin:affiliates_user_changelist"), chosen)
        assert LogEntry.objects.filter(user=omar).count() == 1

    def test_are_added_by_e_mail_address(self, desk):
        none = {f"{name}-{part}_FORMS": "0" for name in ("memberships", "assignments") for part in ("TOTAL", "INITIAL")}
        password = {"usable_password": "true", "password1": "a long enough one", "password2": "a long enough one"}
        response = desk.post(
            reverse("admin:affiliates_user_add"),
            {"email": "omar@operator.example", "roles": ["finance"], **password, **none},
        )
        assert response.status_code == 302
        omar = User.objects.get(email="omar@operator.example")
        assert omar.is_staff
        assert omar.check_password("a long enough one")

    def test_the_same_address_in_capitals_is_refused(self, desk, olga):
        none = {f"{name}-{part}_FORMS": "0" for name in ("memberships", "assignments") for part in ("TOTAL", "INITIAL")}
        password = {"usable_password": "true", "password1": "a long enough one", "password2": "a long enough one"}
        page = desk.post(reverse("admin:affiliates_user_add"), {"email": olga.email.upper(), **password, **none})
        assert page.status_code == 200
        assert User.objects.count() == 1


def test_there_is_one_default_tracking_domain(desk):
    TrackingDomain.objects.create(host="go.example.com", is_default=True)
    path = reverse("admin:affiliates_trackingdomain_add")
    page = desk.post(path, {"host": "to.example.com", "is_active": "on", "is_default": "on"}).content.decode()
    assert "go.example.com is the default: change that there first." in page
