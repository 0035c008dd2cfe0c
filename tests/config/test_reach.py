"""Nothing is given or shown beyond a person's permissions: every address, the preview, and what confers power."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.http import HttpResponse
from django.test import Client
from django.urls import URLResolver, get_resolver, path, reverse

from affiliates.access.api_keys import make_api_key
from affiliates.access.power import MEMBERS, may_act_for
from affiliates.models import AffiliateMember, ApiKey, User
from conversions.models import Conversion
from dashboard.portal.preview import FREE, NEEDS
from payouts.ledger.booking import book_changes
from tests.conversions.sending import NOW, World, send
from tests.dashboard.panel import populate
from tests.dashboard.portal_pages import as_user, signed_in
from tests.dashboard.test_every_template import portal_addresses
from tests.factories import AffiliateMemberFactory, OperatorFactory, SuperuserFactory, UserFactory
from tests.payouts.deals import deal, flat
from tests.rights import operator_with

pytestmark = pytest.mark.django_db


class TestPower:
    """Keys, addresses, groups, memberships and second factors: no one gives more than they have."""

    @pytest.fixture
    def boss(self) -> User:
        return SuperuserFactory(name="Olga")

    def test_an_api_key_acts_for_the_person_who_makes_it_whomever_the_form_names(self, boss):
        actor = operator_with("affiliates.add_apikey", "affiliates.view_apikey", "affiliates.view_user")
        sent = {"name": "mine", "user": boss.pk, "affiliate": "", "scopes": ["read"]}
        as_user(actor).post("/admin/affiliates/apikey/add/", sent)
        assert ApiKey.objects.get().user == actor

    def test_an_api_key_for_oneself(self):
        actor = operator_with("affiliates.add_apikey", "affiliates.view_apikey", "affiliates.view_user")
        as_user(actor).post("/admin/affiliates/apikey/add/", {"name": "mine", "scopes": ["read"], "affiliate": ""})
        assert ApiKey.objects.get().user == actor

    def test_a_verified_address_of_a_superuser(self, boss):
        client = as_user(operator_with("account.add_emailaddress", "account.view_emailaddress", "affiliates.view_user"))
        fields = {"user": boss.pk, "email": "attacker@evil.example", "verified": "on", "primary": "on"}
        assert client.post("/admin/account/emailaddress/add/", fields).status_code == 200
        assert not EmailAddress.objects.filter(email="attacker@evil.example").exists()

    @pytest.mark.parametrize("page", ["change", "delete"])
    def test_a_superusers_address_is_neither_changed_nor_deleted(self, boss, page):
        row = EmailAddress.objects.create(user=boss, email="olga@x.example", verified=True, primary=True)
        rights = ("account.view_emailaddress", "account.change_emailaddress", "account.delete_emailaddress")
        client = as_user(operator_with(*rights))
        client.post(
            f"/admin/account/emailaddress/{row.pk}/{page}/", {"user": boss.pk, "email": "e@evil.example", "post": "yes"}
        )
        row.refresh_from_db()
        assert row.email == "olga@x.example"

    def test_nor_deleted_by_the_lists_action(self, boss):
        row = EmailAddress.objects.create(user=boss, email="olga@x.example", verified=True, primary=True)
        client = as_user(operator_with("account.view_emailaddress", "account.delete_emailaddress"))
        client.post(
            "/admin/account/emailaddress/", {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
        )
        assert EmailAddress.objects.filter(pk=row.pk).exists()

    def test_a_key_of_a_superuser_is_not_revoked_by_others(self, boss):
        key = ApiKey.objects.create(user=boss, name="boss", digest="0" * 64, hint="ak_")
        client = as_user(operator_with("affiliates.view_apikey", "affiliates.change_apikey"))
        url = reverse("admin:affiliates_apikey_revoke", args=[key.pk])
        assert client.post(url, {"confirmed": "yes"}).status_code in (403, 404)
        key.refresh_from_db()
        assert key.revoked_at is None

    def test_the_password_of_an_affiliates_owner(self):
        owner = AffiliateMemberFactory().user
        client = as_user(operator_with("affiliates.view_user", "affiliates.change_user"))
        fields = {"password1": "Correct-horse-9", "password2": "Correct-horse-9", "usable_password": "true"}
        assert client.post(f"/admin/affiliates/user/{owner.pk}/password/", fields).status_code == 403

    def test_the_password_of_an_inactive_operator_who_has_more(self):
        target = OperatorFactory(roles=["finance"], is_active=False)
        client = as_user(operator_with("affiliates.view_user", "affiliates.change_user"))
        fields = {"password1": "Correct-horse-9", "password2": "Correct-horse-9", "usable_password": "true"}
        assert client.post(f"/admin/affiliates/user/{target.pk}/password/", fields).status_code == 403

    @pytest.mark.parametrize(("rights", "may"), [((), False), (MEMBERS, True)])
    def test_an_own_key_bound_to_an_affiliate(self, rights, may):
        views = ("affiliates.add_apikey", "affiliates.view_apikey", "affiliates.view_user", "affiliates.view_affiliate")
        actor, ana = operator_with(*views, *rights), AffiliateMemberFactory().affiliate
        as_user(actor).post("/admin/affiliates/apikey/add/", {"name": "mine", "scopes": ["read"], "affiliate": ana.pk})
        assert ApiKey.objects.exists() is may

    @pytest.mark.parametrize(("rights", "may"), [((), False), (("affiliates.change_affiliate",), True)])
    def test_a_membership_on_the_page_of_its_user(self, rights, may):
        ana, friend = AffiliateMemberFactory().affiliate, UserFactory()
        members = ("affiliates.add_affiliatemember", "affiliates.change_affiliatemember")
        views = ("affiliates.view_user", "affiliates.change_user", "affiliates.view_affiliate")
        fields = {
            **{"email": friend.email, "name": friend.name, "time_zone": "UTC", "is_active": "on"},
            **{"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0"},
            **{"assignments-TOTAL_FORMS": "0", "assignments-INITIAL_FORMS": "0"},
            **{"memberships-0-affiliate": ana.pk, "memberships-0-roles": "owner", "memberships-0-user": friend.pk},
        }
        as_user(operator_with(*views, *members, *rights)).post(f"/admin/affiliates/user/{friend.pk}/change/", fields)
        assert friend.memberships.exists() is may

    def test_secrets_of_an_advertiser(self):
        world = World()
        client = as_user(operator_with("affiliates.view_advertiser", "affiliates.change_advertiser"))
        url = reverse("admin:affiliates_advertiser_secrets", args=[world.offer.advertiser_id])
        assert client.get(url).status_code == 403
        assert client.post(url, {"kind": "token", "label": "x"}).status_code == 403

    def test_a_ledger_adjustment_needs_the_right_over_the_ledger(self):
        world = World()
        client = as_user(operator_with("affiliates.view_affiliate", "affiliates.change_affiliate"))
        url = reverse("admin:affiliates_affiliate_adjust", args=[world.ana.pk])
        assert client.get(url).status_code == 403

    def test_who_may_act_for_whom(self, boss):
        plain, member = OperatorFactory(), AffiliateMemberFactory().user
        clerk = operator_with(*MEMBERS)
        asked = {(a, b): may_act_for(a, b) for a in (boss, plain, clerk) for b in (boss, plain, clerk, member)}
        allowed = {(boss, b) for b in (boss, plain, clerk, member)} | {(plain, plain), (clerk, clerk)}
        assert {pair for pair, may in asked.items() if may} == allowed | {(clerk, plain), (clerk, member)}


class TestPreview:
    """The portal as an operator sees it through `?as=`."""

    @pytest.fixture
    def world(self) -> World:
        world = World()
        deal(flat(world.purchase, "120"))
        send(click_id=world.click(), txid="A-1", event_type="purchase", revenue="40", status="approved")
        book_changes(now=NOW)
        return world

    def preview(self, world: World, user: User) -> Client:
        client = as_user(user)
        client.get(f"/?as={world.ana.public_id}")
        return client

    def test_every_page_is_listed(self):
        names = {pattern.name for pattern in get_resolver("dashboard.portal.urls").url_patterns}
        assert names == NEEDS.keys() | FREE

    def test_without_permissions_every_page_is_refused(self, world):
        client = self.preview(world, OperatorFactory())
        own = reverse("portal:profile")
        answers = {address: client.get(address).status_code for address in portal_addresses(world.ana)}
        assert {address for address, status in answers.items() if status != 403} == {own}

    def test_the_permissions_of_the_panel_open_their_pages_and_no_others(self, world):
        client = self.preview(world, operator_with("affiliates.view_affiliate", *NEEDS["clicks"]))
        assert client.get("/clicks/").status_code == 200
        assert client.get("/clicks/export/").status_code == 200
        for address in ("/", "/earnings/", "/earnings/export/", "/conversions/", "/settings/api-keys/"):
            assert client.get(address).status_code == 403
        page = client.get("/clicks/").content.decode()
        assert 'href="/earnings/"' not in page
        assert 'href="/clicks/"' in page

    def test_a_superuser_sees_all_and_posts_nothing(self, world):
        client = self.preview(world, SuperuserFactory())
        assert {client.get(address).status_code for address in portal_addresses(world.ana)} == {200}
        assert client.post("/settings/api-keys/", {"name": "x"}).status_code == 403

    def test_the_way_out_is_open(self, world):
        assert self.preview(world, OperatorFactory()).get("/leave-preview/").status_code == 302


class TestMoney:
    """Commission is for those who may see the ledger."""

    @pytest.fixture
    def paid(self) -> Conversion:
        world = World()
        deal(flat(world.purchase, "123.45"))
        send(click_id=world.click(), txid="A-1", event_type="purchase", revenue="40", status="approved")
        book_changes(now=NOW)
        return Conversion.objects.get()

    ADDRESSES = (
        "/trace/?q=A-1",
        "/api/v1/trace/?id=A-1",
        "/api/v1/conversions/",
        "/admin/conversions/conversion/",
        "/admin/conversions/conversion/{pk}/change/",
        "/admin/affiliates/affiliate/{affiliate_id}/change/",
        "/admin/affiliates/offer/{goal.offer_id}/change/",
    )
    VIEWS = (
        *("conversions.view_trace", "conversions.view_conversion", "affiliates.view_affiliate"),
        *("affiliates.view_offer", "affiliates.view_user"),
    )

    @pytest.mark.parametrize("address", ADDRESSES)
    @pytest.mark.parametrize("may", [True, False])
    def test_commission(self, paid, address, may):
        money = ("payouts.view_ledgerentry", "payouts.view_commissionplan")
        client = as_user(operator_with(*self.VIEWS, *(money if may else ())))
        answer = client.get(address.format(**vars(paid), pk=paid.pk, goal=paid.goal))
        assert answer.status_code == 200
        assert ("123.45" in answer.content.decode()) is may


class TestBoundKeysOfOperators:
    """A key that is bound to an affiliate takes away from what its operator sees, and adds nothing."""

    PATHS = ("links", "clicks", "conversions", "ledger-entries", "balances", "statements", "invoices", "payouts")

    def client_for(self, user: User) -> Client:
        ana = AffiliateMemberFactory().affiliate
        _, text = make_api_key(user=user, name="as Ana", affiliate=ana)
        return Client(headers={"Authorization": f"Bearer {text}"})

    @pytest.mark.parametrize("path", PATHS)
    def test_they_need_the_operators_permissions(self, path):
        assert self.client_for(OperatorFactory()).get(f"/api/v1/{path}/").status_code == 403
        assert self.client_for(SuperuserFactory()).get(f"/api/v1/{path}/").status_code == 200


def plain_addresses(prefix: str = "/", patterns: Any = None) -> Iterator[str]:
    """Every registered address that needs no row."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = str(pattern.pattern).lstrip("^").removesuffix("\\Z").removesuffix("$").replace("/?", "/")
        if re.search(r"[<(\\]", route):
            continue
        if isinstance(pattern, URLResolver):
            yield from plain_addresses(prefix + route, pattern.url_patterns)
        else:
            yield prefix + route


# What an operator without any permission may open: the frame of the panel, one's own account, what is public.
OPEN = re.compile(
    r"/(admin/(|search/|jsi18n/|password_change/(done/)?|theme/|logout/)|accounts/.*|settings/|api/(schema/|docs/).*"
    r"|api/v1/(me/|)|robots\.txt|security\.txt|\.well-known/.*|anchors/.*|help/reasons/)"
)


def opened_without_permission() -> set[str]:
    client = as_user(OperatorFactory())
    return {address for address in plain_addresses() if client.get(address).status_code == 200}


class TestEveryAddress:
    def test_an_operator_without_permissions_opens_only_what_is_listed(self):
        populate(1)
        assert {address for address in opened_without_permission() if not OPEN.fullmatch(address)} == set()

    def test_a_leak_is_found(self, monkeypatch):
        patterns = get_resolver().url_patterns
        monkeypatch.setattr(
            get_resolver(), "url_patterns", [path("leak/", lambda request: HttpResponse("all")), *patterns]
        )
        assert "/leak/" in opened_without_permission()

    def test_strangers_and_affiliates_open_no_page_of_operators(self):
        populate(1)
        pages = [address for address in plain_addresses() if address.startswith(("/admin/", "/trace/", "/tools/"))]
        assert len(pages) > 100
        for client in (Client(), as_user(AffiliateMemberFactory().user), as_user(UserFactory())):
            answers = {address: client.get(address).status_code for address in pages}
            assert {address for address, status in answers.items() if status == 200} <= {"/admin/jsi18n/"}


class TestKeysOfAnAffiliate:
    def key_of(self, member: AffiliateMember) -> ApiKey:
        return ApiKey.objects.create(
            user=member.user, affiliate=member.affiliate, name="k", digest=f"{member.pk:064d}", hint="ak_"
        )

    @pytest.mark.parametrize(("role", "may"), [("owner", True), ("marketing", False)])
    def test_owners_revoke_those_of_others(self, role, may):
        other = AffiliateMemberFactory()
        key = self.key_of(other)
        client = signed_in(other.affiliate)
        AffiliateMember.objects.exclude(pk=other.pk).update(roles=[role])
        assert client.post(reverse("portal:revoke_api_key", args=[key.pk])).status_code == (302 if may else 404)
        key.refresh_from_db()
        assert bool(key.revoked_at) is may
