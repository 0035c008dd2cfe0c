"""Secrets of advertisers: rotated without a pause, refused once revoked, and no one's but their advertiser's."""

import json
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from affiliates.access.advertiser_secrets import make_secret, secret_text
from affiliates.models import Advertiser, AdvertiserSecret, User
from records.secrets import decrypt, digest
from tests.asgi_client import visit
from tests.conversions.sending import TOKEN, World
from tests.factories import AdvertiserFactory, AdvertiserSecretFactory, ClickFactory
from tests.rights import operator_with
from tracking.click_id import codec

Kind = AdvertiserSecret.Kind


class TestRotation:
    """Over HTTP, as the sender's engineer sees it."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def world(self) -> World:
        return World()

    def outcomes(self, world: World, *tokens: str) -> list[str]:
        clicks = [codec.text_of(ClickFactory(link=world.ana_link).id) for _ in tokens]

        async def story(client: Any) -> list[str]:
            answers = []
            for click, token in zip(clicks, tokens, strict=True):
                sent = {"token": token, "click_id": click, "txid": f"t-{click}", "event_type": "purchase"}
                answers.append(json.loads((await client.get("/postback", sent)).body)["outcome"])
            return answers

        return visit(story)

    def test_old_and_new_are_both_taken_until_the_old_one_is_revoked(self, world: World) -> None:
        _, new = make_secret(advertiser=world.advertiser, kind=Kind.TOKEN)
        assert self.outcomes(world, TOKEN, new) == ["accepted", "accepted"]
        AdvertiserSecret.objects.filter(digest=digest(TOKEN)).update(revoked_at=timezone.now())
        assert self.outcomes(world, TOKEN, new) == ["unauthorized", "accepted"]

    def test_a_secret_of_the_other_kind_or_another_text_is_no_token(self, world: World) -> None:
        _, hmac_secret = make_secret(advertiser=world.advertiser, kind=Kind.HMAC)
        assert self.outcomes(world, hmac_secret, TOKEN.upper(), TOKEN[:-1], "") == ["unauthorized"] * 4

    def test_a_token_of_another_advertiser_says_nothing_of_these_clicks(self, world: World) -> None:
        _, rival = make_secret(advertiser=AdvertiserFactory(name="Rival"), kind=Kind.TOKEN)
        assert "accepted" not in self.outcomes(world, rival)

    def test_a_right_token_of_an_inactive_advertiser_is_refused(self, world: World) -> None:
        Advertiser.objects.update(is_active=False)
        assert self.outcomes(world, TOKEN) == ["forbidden"]


@pytest.mark.django_db
class TestStored:
    def test_a_new_one_has_the_prefix_of_its_kind_and_can_be_read_back(self) -> None:
        for kind, prefix in ((Kind.TOKEN, "aft_"), (Kind.HMAC, "afh_")):
            row, text = make_secret(advertiser=AdvertiserFactory(), kind=kind, label="live")
            assert text.startswith(prefix)
            assert (secret_text(row), row.digest, row.label) == (text, digest(text), "live")
            assert text not in row.encrypted

    def test_two_advertisers_never_have_the_same_text(self) -> None:
        from django.db import IntegrityError, transaction

        make_secret(advertiser=AdvertiserFactory(), kind=Kind.TOKEN, text="aft_same")
        with pytest.raises(IntegrityError), transaction.atomic():
            make_secret(advertiser=AdvertiserFactory(), kind=Kind.TOKEN, text="aft_same")


@pytest.mark.django_db
class TestInThePanel:
    RIGHTS = ("affiliates.view_advertiser", "affiliates.change_advertiser")

    @pytest.fixture
    def secret(self) -> AdvertiserSecret:
        row: AdvertiserSecret = AdvertiserSecretFactory(text="aft_very_secret")
        return row

    def path(self, secret: AdvertiserSecret) -> str:
        return reverse("admin:affiliates_advertiser_secrets", args=[secret.advertiser_id])

    def client_for(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def test_reading_is_not_making(self, secret: AdvertiserSecret) -> None:
        client = self.client_for(operator_with(*self.RIGHTS, "affiliates.view_advertisersecret"))
        assert "aft_very_secret" in client.get(self.path(secret), {"show": secret.pk}).content.decode()
        assert client.post(self.path(secret), {"kind": "token", "label": ""}).status_code == 403
        assert AdvertiserSecret.objects.count() == 1

    def test_who_may_see_advertisers_does_not_see_their_secrets(self, secret: AdvertiserSecret) -> None:
        client = self.client_for(operator_with(*self.RIGHTS))
        answer = client.get(self.path(secret), {"show": secret.pk})
        assert answer.status_code == 403
        assert "aft_very_secret" not in answer.content.decode()

    @pytest.mark.parametrize("sent", [{"kind": "password", "label": ""}, {}, {"kind": "token", "label": "x" * 61}])
    def test_what_is_no_kind_or_too_long_makes_none(self, olga: User, secret: AdvertiserSecret, sent: Any) -> None:
        page: Any = self.client_for(olga).post(self.path(secret), sent, follow=True)
        assert "Choose token or HMAC secret" in page.content.decode()
        assert AdvertiserSecret.objects.count() == 1

    def test_making_one_is_written_down_without_its_text(self, olga: User, secret: AdvertiserSecret) -> None:
        self.client_for(olga).post(self.path(secret), {"kind": "hmac", "label": "live"})
        made = AdvertiserSecret.objects.latest("pk")
        entry = LogEntry.objects.get()
        assert (entry.user, entry.get_change_message()) == (olga, "Made a new HMAC secret.")
        assert decrypt(made.encrypted) not in str(LogEntry.objects.values())

    @pytest.mark.parametrize("shown", ["", "0", "x", "1 OR 1=1", "-1", "9" * 30])
    def test_an_odd_number_reveals_none_and_breaks_nothing(
        self, olga: User, secret: AdvertiserSecret, shown: str
    ) -> None:
        page = self.client_for(olga).get(self.path(secret), {"show": shown})
        assert page.status_code == 200
        assert "aft_very_secret" not in page.content.decode()
        assert not LogEntry.objects.exists()

    def test_the_list_of_all_secrets_shows_no_text(self, olga: User, secret: AdvertiserSecret) -> None:
        page = self.client_for(olga).get("/admin/affiliates/advertisersecret/").content.decode()
        assert f"#{secret.pk}" in page
        assert "aft_very_secret" not in page
        assert secret.digest not in page

    def test_revoked_ones_stand_last_and_are_still_read_back(self, olga: User, secret: AdvertiserSecret) -> None:
        AdvertiserSecret.objects.update(revoked_at=timezone.now())
        new = AdvertiserSecretFactory(advertiser=secret.advertiser)
        page: Any = self.client_for(olga).get(self.path(secret), {"show": secret.pk})
        assert [each.row.pk for each in page.context["secrets"]] == [new.pk, secret.pk]
        assert "aft_very_secret" in page.content.decode()

    def test_the_list_of_advertisers_warns_of_one_without_a_token(self, olga: User, secret: AdvertiserSecret) -> None:
        AdvertiserSecret.objects.update(revoked_at=timezone.now())
        page = self.client_for(olga).get("/admin/affiliates/advertiser/").content.decode()
        cell = re.search(r"(?s)<td[^>]*field-active_tokens[^>]*>(.*?)</td>", page)
        assert cell
        assert "None" in cell[1]
