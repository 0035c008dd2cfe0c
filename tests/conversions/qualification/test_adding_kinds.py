"""A kind of rule and a risk signal are one class each: what is added to its table is found everywhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, models, transaction
from django.urls import reverse

from config.api_urls import described
from conversions.dialects import table as dialects
from conversions.dialects.page import part_of
from conversions.endpoints.dialects import address_of
from conversions.models import Conversion, QualificationRule, RiskPolicy, RiskReview, Trace
from conversions.qualification_kinds.table import KINDS, kind_of, rule_is_complete
from conversions.qualification_kinds.table import PARTS as KIND_PARTS
from conversions.risk_signals.table import PARTS as SIGNAL_PARTS
from conversions.risk_signals.table import SIGNALS, columns_of
from dashboard.portal.traces import decisions_of
from records.kinds import complete, table
from tests.conversions.sending import NOW, World, outcome, send
from tests.factories import OperatorFactory
from tests.rest import client_of

pytestmark = pytest.mark.django_db


HOW_TO = Path(settings.BASE_DIR) / "docs" / "how-to"


def example(page: str, name: str) -> Any:
    """The class that a page of the documentation shows."""
    code = (HOW_TO / page).read_text().split("```python\n")[1].split("```")[0]
    module = ModuleType(page)
    exec(compile(code, page, "exec"), vars(module))  # noqa: S102 - our own documentation
    return getattr(module, name)


SeveralEvents = example("add-a-qualification-rule.md", "SeveralEvents")
BusyCustomer = example("add-a-risk-signal.md", "BusyCustomer")


@pytest.fixture
def desk(client):
    client.force_login(OperatorFactory(is_superuser=True))
    return client


class TestAKindOfRule:
    @pytest.fixture(autouse=True)
    def added(self, db, monkeypatch):
        monkeypatch.setitem(KINDS, "several", complete(SeveralEvents, KIND_PARTS))
        old = next(each for each in QualificationRule._meta.constraints if each.name == "rule_is_complete")
        new = models.CheckConstraint(name="rule_is_complete", condition=rule_is_complete())
        with connection.schema_editor() as editor:
            editor.remove_constraint(QualificationRule, old)
            editor.add_constraint(QualificationRule, new)
        others = [each for each in QualificationRule._meta.constraints if each is not old]
        monkeypatch.setattr(QualificationRule._meta, "constraints", [new, *others])

    @pytest.fixture
    def world(self):
        world = World()
        self.rule = QualificationRule(goal=world.purchase, kind="several", number=2, other_goal=world.deposit)
        return world

    def test_stands_in_the_panels_form_with_its_help_and_is_saved_there(self, desk, world):
        path = reverse("admin:conversions_goal_change", args=[world.purchase.pk])
        page = desk.get(path).content.decode()
        assert '<option value="several">So many events of another goal</option>' in page
        assert "For several events: how many events there must be." in page
        goal = {name: getattr(world.purchase, name) for name in ("code", "name", "kind", "position")}
        rule = {"kind": "several", "other_goal": world.deposit.pk, "goal": world.purchase.pk, "over_cap": "reject"}
        sent = {**goal, "offer": world.offer.pk, "approval": "at_once", "dedupe_by": "transaction"}
        sent |= {"rules-TOTAL_FORMS": 1, "rules-INITIAL_FORMS": 0, **{f"rules-0-{key}": rule[key] for key in rule}}
        assert "Say how many events." in desk.post(path, sent).content.decode()
        wrong = desk.post(path, {**sent, "rules-0-number": 2, "rules-0-amount": "5"}).content.decode()
        assert "For several events this is not used: leave it empty." in wrong
        desk.post(path, {**sent, "rules-0-number": 2})
        assert [rule.in_words for rule in world.purchase.rules.all()] == ["2 times Deposit"]

    def test_is_judged_waits_and_stands_in_the_trace(self, world):
        self.rule.save()
        cid = world.click()
        bought = send(click_id=cid, txid="p", event_type="purchase", customer_id="c")
        assert outcome(bought) == (200, "accepted", "awaits_rules")
        assert "2 times Deposit" in {step["rule"] for step in Trace.objects.latest("id").steps}
        for txid in ("d1", "d2"):
            send(click_id=cid, txid=txid, event_type="deposit", customer_id="c", revenue="5")
        assert Conversion.objects.get(transaction_id="p").reason == "qualified"

    @pytest.mark.parametrize("change", [{"number": None}, {"other_goal": None}, {"amount": 5}, {"scope": "offer"}])
    def test_is_held_to_its_columns_by_the_database(self, world, change):
        for name, value in change.items():
            setattr(self.rule, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            self.rule.save()

    def test_is_named_by_the_api_and_its_description(self, world, client):
        self.rule.save()
        goals = client_of(world.ana).get(f"/api/v1/offers/{world.offer.public_id}/").json()["goals"]
        found = {goal["code"]: (goal["rules"], goal["qualification"]) for goal in goals}
        assert found["purchase"] == (["2 times Deposit"], [{"kind": "several", "words": "2 times Deposit"}])
        # A description that was asked for before the kind was added is cached, and so are the names of its lists.
        described.cache_clear()
        schema = client.get("/api/schema/?format=json").json()
        described.cache_clear()
        assert any("several" in each.get("enum", ()) for each in schema["components"]["schemas"].values())


@pytest.mark.parametrize(("inputs", "is_shown"), [({}, True), ({"events": "2"}, True), ({"of_tomorrow": "9"}, False)])
def test_inputs_that_no_kind_calls_open_are_hidden_with_the_revenue(inputs, is_shown):
    """A new kind hides what it is judged by, until it states that this shows nothing of the revenue."""
    world = World()
    send(click_id=world.click(), txid="1", event_type="purchase", revenue="40")
    row = Conversion.objects.get()
    step = {"step": "qualify", "result": "waiting", "rule": "A rule", "input": inputs, "note": "It has 977.31."}
    decision = {"decided_at": NOW, "outcome": "updated", "reason": "ok", "http_status": 200}
    Trace.objects.create(conversion=row, steps=[step], **decision)
    notes = {each.note for decided in decisions_of(row, sees_revenue=False) for each in decided.steps}
    assert ("It has 977.31." in notes) == is_shown


class TestARiskSignal:
    @pytest.fixture(autouse=True)
    def added(self, db, monkeypatch):
        signal = complete(BusyCustomer, SIGNAL_PARTS)
        monkeypatch.setitem(SIGNALS, "busy_customer", signal)
        for name, column in columns_of(signal).items():
            RiskPolicy.add_to_class(name, column)
            with connection.schema_editor() as editor:
                editor.add_field(RiskPolicy, column)
        yield
        for name in columns_of(signal):
            RiskPolicy._meta.local_fields.remove(RiskPolicy._meta.get_field(name))
            RiskPolicy._meta._expire_cache()
            delattr(RiskPolicy, name)

    @pytest.fixture
    def world(self):
        return World()

    def send_two(self, world, **policy):
        RiskPolicy.objects.create(offer=world.offer, **policy)
        cid = world.click(marked_at=NOW)
        for txid in ("1", "2"):
            send(click_id=cid, txid=txid, event_type="purchase", customer_id="c")

    def test_stands_in_the_panels_form_with_points_and_limits(self, desk, world):
        path = reverse("admin:conversions_riskpolicy_add")
        page = desk.get(path).content.decode()
        assert "The customer has many events." in page
        assert "So many events are many." in page
        policy = RiskPolicy(offer=world.offer)
        sent = {
            column.name: column.value_from_object(policy) for column in RiskPolicy._meta.fields if column.name != "id"
        }
        sent |= {"owner": "", "hold_for": "14", "address_period": "7", "busy_customer": "70", "busy_from": "9"}
        desk.post(path, sent)
        assert RiskPolicy.objects.values_list("busy_customer", "busy_from").get() == (70, 9)

    def test_is_counted_weighed_and_stored_with_its_evidence(self, world):
        self.send_two(world, busy_from=2, threshold=60)
        assert [Conversion.objects.get(transaction_id=txid).reason for txid in "12"] == ["ok", "risk_review"]
        [part] = RiskReview.objects.get().parts
        assert part == {
            "mark": "busy_customer",
            "points": 60,
            "note": "The customer has 2 events.",
            "input": {"events": "2"},
        }

    def test_is_switched_off_by_no_points(self, world):
        self.send_two(world, busy_from=2, threshold=60, busy_customer=0)
        assert not RiskReview.objects.exists()

    def test_is_named_to_operators_and_shown_to_affiliates_without_numbers(self, world, desk):
        self.send_two(world, busy_from=2, threshold=60)
        assert "Busy customer 60" in desk.get(reverse("admin:conversions_riskreview_changelist")).content.decode()
        row = Conversion.objects.get(transaction_id="2")
        hold = client_of(world.ana).get(f"/api/v1/conversions/{row.public_id}/").json()["hold"]
        assert hold["waiting_for"] == ["The customer is far busier than others."]


def without(kind, part):
    """The same class, lacking a part."""
    return type(kind.__name__, kind.__bases__, {name: value for name, value in vars(kind).items() if name != part})


@pytest.mark.parametrize(
    ("kind", "parts", "part"),
    [
        *((SeveralEvents, KIND_PARTS, part) for part in KIND_PARTS),
        *((BusyCustomer, SIGNAL_PARTS, part) for part in SIGNAL_PARTS),
    ],
)
def test_a_class_that_lacks_a_part_is_refused_by_the_name_of_the_part(kind, parts, part):
    with pytest.raises(ImproperlyConfigured, match=rf"{kind.__name__} \({kind.code}\) lacks `{part}`: "):
        table(parts, without(kind, part))


def test_two_classes_of_one_code_and_one_without_a_code_are_refused():
    with pytest.raises(ImproperlyConfigured, match="has the code 'several'"):
        table(KIND_PARTS, SeveralEvents, SeveralEvents)
    with pytest.raises(ImproperlyConfigured, match="lacks a `code`"):
        table(KIND_PARTS, without(SeveralEvents, "code"))


@pytest.mark.parametrize(
    ("file", "line", "sentence"),
    [
        ("qualification_kinds/cap.py", "    waits = False\n", "(cap) lacks `waits`: whether an event may wait for it."),
        (
            "risk_signals/bot_click.py",
            '    to_affiliates = _("The click was made by a bot.")\n',
            "(bot_click) lacks `to_affiliates`: what an affiliate reads",
        ),
    ],
)
def test_one_that_lacks_a_part_stops_the_start(tmp_path, file, line, sentence):
    shutil.copytree(Path(settings.BASE_DIR) / "conversions", tmp_path / "conversions")
    broken = tmp_path / "conversions" / file
    text = broken.read_text()
    assert line in text
    broken.write_text(text.replace(line, ""))
    env = {**os.environ, "PYTHONPATH": str(settings.BASE_DIR), "DJANGO_SETTINGS_MODULE": "config.settings"}
    start = [sys.executable, "-c", "import django; django.setup()"]
    done = subprocess.run(start, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_a_rule_of_an_unknown_kind_is_never_judged_as_another():
    with pytest.raises(ValueError, match="There is no kind of rule 'of_tomorrow'; there are accumulated, "):
        kind_of("of_tomorrow")
    goal = World().purchase
    with pytest.raises(IntegrityError), transaction.atomic():
        QualificationRule.objects.create(goal=goal, kind="of_tomorrow", number=1)


def test_the_documentation_names_every_kind_of_rule_and_every_signal_with_its_points():
    docs = Path(settings.BASE_DIR) / "docs"
    rules, risk = (docs / "qualification.md").read_text(), (docs / "risk.md").read_text()
    assert [code for code in KINDS if f"(`{code}`" not in rules] == []
    assert [code for code, each in SIGNALS.items() if f"| `{code}` | {each.points} |" not in risk] == []


def test_a_dialect_is_one_row(monkeypatch):
    """The row that the documentation shows, pasted into the table."""
    row = (HOW_TO / "add-a-dialect.md").read_text().split("```python\n")[1].split("```")[0]
    acme = eval(row, dict(vars(dialects)))  # noqa: S307 - our own documentation
    monkeypatch.setitem(dialects.BY_NAME, "acme", acme)
    monkeypatch.setitem(dialects.BY_PATH, acme.paths[0], acme)
    assert address_of("/acme/conversion") == (acme, "", "/acme/conversion")
    read = dict(acme.mapping.translate([("aid", "x"), ("sum", "120.50"), ("state", "ok")]))
    assert read == {"click_id": "x", "revenue": "120.50", "status": "approved"}
    assert "## Acme Tracker" in part_of(acme)
