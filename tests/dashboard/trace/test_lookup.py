"""What a pasted ID is taken for, and how the page says so."""

from datetime import UTC, datetime, timedelta

import pytest

from conversions.models import Postback
from dashboard.trace import look_up
from tests.conversions.sending import NOW, World, send
from tests.factories import (
    ClickFactory,
    ConversionFactory,
    CustomerFactory,
    LegacyClickIDFactory,
    PostbackFactory,
    TrackingLinkFactory,
)
from tracking.click_id import codec
from tracking.models import Click

pytestmark = pytest.mark.django_db


class TestClickIDs:
    def test_a_genuine_one_names_its_link_affiliate_and_offer(self):
        world = World()
        found = look_up(world.click())
        assert (found.title, found.tone) == ("A genuine click ID", "success")
        assert f"through link {world.ana_link.code} of Ana to Lucky Fox Casino" in found.text

    def test_case_and_blanks_around_it_do_not_matter(self):
        text = World().click()
        assert look_up(f"  {text.upper()}\n").click == look_up(text).click is not None

    def test_its_uuid_names_it_too(self):
        click = ClickFactory()
        assert look_up(str(click.pk)).title == "A genuine click ID"
        assert look_up(click.pk.hex).click == click.pk

    def test_without_a_stored_click_it_is_still_genuine(self):
        link = TrackingLinkFactory(code="ana-blog")
        found = look_up(codec.new(link_number=link.pk, at=NOW).text)
        assert found.title == "A genuine click ID without a stored click"
        assert "made on 2026-10-15 at 12:00:00 UTC, through link ana-blog" in found.text
        assert "attributed anyway, by signature" in found.text

    def test_of_a_link_that_is_not_known_here(self):
        found = look_up(codec.new(link_number=4_000_000_000).text)
        assert found.title == "A genuine click ID of an unknown link"
        assert "number 4000000000" in found.text

    def test_forged_by_one_character_names_the_click_that_was_meant(self):
        text = World().click()
        forged = text[:-1] + ("0" if text[-1] != "0" else "1")
        found = look_up(forged)
        assert (found.kind, found.title, found.click) == ("forged", "Not a genuine click ID", None)
        assert "the signature does not match" in found.text
        assert found.meant == text

    def test_a_letter_that_no_click_id_has_is_named(self):
        text = World().click()
        found = look_up(text[:-1] + "x")
        assert found.title == "Not a genuine click ID"
        assert "none contains x: it was changed or made up" in found.text
        assert found.meant == text

    @pytest.mark.parametrize("text", ["d41d8cd98f00b204e9800998ecf8427e", "z" * 30, "ORDER20260101ABCDEFGHIJKLMNOP"])
    def test_an_unknown_transaction_of_such_letters_is_not_taken_for_a_click_id(self, text):
        assert look_up(text).title in ("Unknown", "An unknown UUID")

    def test_forged_in_its_first_part_means_nothing_that_is_known(self):
        text = World().click()
        found = look_up("1" + text[1:])
        assert (found.title, found.meant) == ("Not a genuine click ID", "")

    def test_signed_with_a_key_that_was_taken_off_the_list(self, settings):
        settings.CLICK_ID_KEYS = ["7:an old secret of some length", "0:a new secret of some length"]
        text = World().click()
        settings.CLICK_ID_KEYS = ["0:a new secret of some length"]
        found = look_up(text)
        assert found.title == "A click ID signed with an unknown key"
        assert "key number 7" in found.text

    @pytest.mark.parametrize(("cut", "word"), [(39, "cut off"), (26, "cut off")])
    def test_cut_off_it_names_the_click_that_was_meant(self, cut, word):
        text = World().click()
        found = look_up(text[:cut])
        assert found.title == "A click ID of the wrong length"
        assert f"has 40 characters and this has {cut}: it was {word} on the way" in found.text
        assert found.meant == text

    def test_lengthened_it_is_reported(self):
        text = World().click()
        assert "this has 42: it was lengthened" in look_up(text + "00").text

    @pytest.mark.parametrize("text", ["{click_id}", "[clickid]", "#cid#", "${click}", "%7Bclick_id%7D", "<click>"])
    def test_a_placeholder_is_reported(self, text):
        assert look_up(text).title == "An unresolved macro"

    def test_postbacks_that_sent_a_forged_one_are_found(self):
        world = World()
        text = world.click()
        forged = text[:-1] + ("0" if text[-1] != "0" else "1")
        decision = send(click_id=forged, event_type="purchase", txid="1", revenue="5", currency="EUR")
        found = look_up(forged)
        assert "1 of the last 20,000 postbacks sent it; it is shown below." in found.text
        assert found.postbacks == (Postback.objects.get(public_id=decision.postback_id).pk,)


class TestOtherIDs:
    def test_transaction_customer_postback_and_conversion(self):
        world = World()
        decision = send(
            click_id=world.click(), event_type="ftd", txid="TX-9", customer_id="Carl", revenue="50", currency="EUR"
        )
        kinds = {
            "TX-9": "transaction",
            "Carl": "customer",
            decision.postback_id: "postback",
            decision.body["conversion_id"]: "conversion",
        }
        assert {text: look_up(text).kind for text in kinds} == kinds

    def test_a_transaction_that_was_only_refused(self):
        world = World()
        send(click_id=world.click(), event_type="nonsense", txid="TX-9")
        found = look_up("TX-9")
        assert (found.kind, found.conversions, len(found.postbacks)) == ("transaction", (), 1)
        assert "none of them created a conversion" in found.text

    def test_a_customer_without_conversions(self):
        CustomerFactory(customer_id="Dora")
        assert look_up("Dora").text == "The customer is known but has no conversion."

    @pytest.mark.parametrize(
        ("text", "title"),
        [
            ("pb_nothing", "No such postback"),
            ("cv_nothing", "No such conversion"),
            ("TX-unknown", "Unknown"),
            ("01a1fb38-c36e-0000-0007-0b393f0d1845", "An unknown UUID"),
        ],
    )
    def test_an_unknown_one_is_reported(self, text, title):
        found = look_up(text)
        assert (found.title, found.is_known) == (title, False)
        assert found.text

    def test_an_imported_click_id_of_another_platform(self):
        row = LegacyClickIDFactory(foreign_id="OT-abc", link__code="ana-old")
        found = look_up("OT-abc")
        assert (found.kind, found.click, found.is_known) == ("legacy click", row.click_id, True)
        assert "imported from OldTracker" in found.text
        assert "through link ana-old of" in found.text

    @pytest.mark.parametrize("text", ["01a1fb38-c36e-0000-0007-0b393f0d1845", "01a1fb38c36e000000070b393f0d1845"])
    def test_a_transaction_or_foreign_click_may_be_a_uuid(self, text):
        conversion = ConversionFactory(transaction_id=text)
        LegacyClickIDFactory(foreign_id=text)
        found = look_up(text)
        assert (found.kind, found.conversions) == ("transaction", (conversion.pk,))
        assert look_up(text, "legacy click").kind == "legacy click"

    def test_a_text_that_names_several_things_lists_the_others(self):
        sale = ConversionFactory(transaction_id="77")
        other = ConversionFactory(customer=CustomerFactory(customer_id="77"))
        old, new = (
            LegacyClickIDFactory(foreign_id="77", source=source, clicked_at=NOW + timedelta(days=days))
            for source, days in (("OldTracker", 0), ("Older", 1))
        )
        found = look_up("77")
        assert (found.kind, found.conversions) == ("transaction", (sale.pk,))
        assert [(each.id, each.kind) for each in found.choices] == [
            ("77", "customer"),
            (codec.text_of(new.click_id), ""),
            (codec.text_of(old.click_id), ""),
        ]
        again = look_up("77", "customer")
        assert (again.kind, again.conversions) == ("customer", (other.pk,))
        assert look_up(found.choices[1].id).click == new.click_id

    def test_a_customer_without_conversions_gives_way_to_what_has_a_story(self):
        CustomerFactory(customer_id="77")
        LegacyClickIDFactory(foreign_id="77")
        assert (look_up("77").kind, look_up("77").choices[0].kind) == ("legacy click", "customer")

    def test_a_kind_that_the_text_is_not(self):
        ConversionFactory(transaction_id="77")
        assert not look_up("77", "customer").is_known

    @pytest.mark.parametrize(
        "text", ["", " ", "'; DROP TABLE x; --", "%", "\\", "ä" * 40, "0" * 199, "pb_" + "x" * 190]
    )
    def test_nonsense_is_no_error(self, text):
        assert not look_up(text).is_known


def test_looking_up_takes_few_queries_whatever_it_is(django_assert_max_num_queries):
    world = World()
    text = world.click()
    send(click_id=text, event_type="purchase", txid="TX-9", revenue="5", currency="EUR")
    PostbackFactory.create_batch(5)
    Click.objects.filter(clicked_at__lt=datetime.now(UTC) - timedelta(days=9999)).count()
    for each in (text, text[:-1] + "x", "TX-9", "unknown", "pb_x", "cv_x", "01a1fb38-c36e-0000-0007-0b393f0d1845"):
        with django_assert_max_num_queries(8):
            look_up(each)


class TestPastedText:
    """A URL, a command or a line leads to the ID in it."""

    def test_the_products_own_redirect(self):
        text = World().click()
        found = look_up(f"https://casaverbena.example/?click_id={text}&utm_source=opux")
        assert found.query == text
        assert found.title == "A genuine click ID"
        assert "Found in what was pasted" in found.text

    def test_a_senders_transaction_in_a_line_of_csv(self):
        row = ConversionFactory(transaction_id="ORDER-77")
        found = look_up("2026-10-01;ORDER-77;50.00;EUR")
        assert (found.kind, found.query, found.conversions) == ("transaction", "ORDER-77", (row.pk,))

    def test_the_click_comes_before_the_transaction(self):
        ConversionFactory(transaction_id="ORDER-77")
        text = World().click()
        assert look_up(f"curl 'https://a.example/postback?txid=ORDER-77&click_id={text}'").query == text

    def test_a_text_that_is_an_id_as_a_whole_stays_one(self):
        ConversionFactory(transaction_id="A=1 B")
        assert look_up("A=1 B").query == "A=1 B"

    def test_nothing_in_it(self):
        assert look_up("https://a.example/?x=1&y=2").is_known is False

    def test_a_long_text_takes_a_fixed_number_of_queries(self, django_assert_max_num_queries):
        with django_assert_max_num_queries(40):
            look_up(" ".join(f"token-{number}" for number in range(5_000)))
