"""Rows that intake writes are those that Django would write, whatever columns a model has."""

import copy
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import isolate_apps

from affiliates.models import Advertiser
from conversions.models import Conversion, Customer, CustomerLock, Postback, StatusChange, Touch, Trace
from records.bulk_rows import Rows, from_document, insert, new, take_id, update
from records.prepared import from_json
from tests.factories import ConversionFactory

WRITTEN = (Postback, Customer, Conversion, StatusChange, CustomerLock, Trace)
HOSTILE = '\'"\\ ;--\t\n\u2028 {"a": 1} €漢😀 \ufffd'
AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def saved(world):
    """One saved row of each model that others point at."""
    conversion = ConversionFactory(customer=Customer.objects.create(advertiser=world.advertiser, customer_id="old"))
    postback = Postback.objects.create(received_at=AT, parameters=[])
    return {type(row): row for row in (postback, conversion, conversion.customer)}


def value_for(field, number, saved):
    """A value that is no default, within what the field and its constraints take."""
    if isinstance(field, models.ForeignKey):
        known = saved.get(field.related_model) or field.related_model.objects.first()
        return known.pk if known else None
    if field.choices:
        return list(field.flatchoices)[-1][0]
    if isinstance(field, models.CharField | models.TextField):
        return f"{number}{HOSTILE}"[: field.max_length]
    kinds = {
        models.JSONField: [["name", HOSTILE], {"number": 1, "none": None, "list": [True, 1.5]}],
        models.UUIDField: uuid.UUID(int=7),
        models.DateTimeField: AT + timedelta(seconds=number),
        models.DecimalField: Decimal("1234567890123456.12345678"),
        models.GenericIPAddressField: "2001:db8::7",
        models.BooleanField: True,
        models.DurationField: timedelta(days=-3, hours=30, microseconds=1),
        models.IntegerField: 404,
    }
    return next((value for kind, value in kinds.items() if isinstance(field, kind)), field.get_default())


def rows_of(model, saved, *, full):
    rows = []
    for number in range(3):
        row = model()
        for field in model._meta.concrete_fields:
            required = not field.null and not field.has_default() and not field.has_db_default()
            if not field.primary_key and not field.generated and (full or required):
                setattr(row, field.attname, value_for(field, number, saved))
        rows.append(row)
    if model is Conversion:
        for row in rows:
            row.status = Conversion.Status.PENDING
    if model is StatusChange and full:
        for row in rows:
            row.from_status, row.to_status = "pending", "rejected"
    return rows


def stored(rows):
    """The columns as the database keeps them, but for the ID; in the order in which they were written."""
    model = type(rows[0])
    found = model.objects.in_bulk([row.pk for row in rows])
    return [
        [getattr(found[row.pk], field.attname) for field in model._meta.concrete_fields if not field.primary_key]
        for row in rows
    ]


@pytest.mark.parametrize("full", [True, False], ids=["all fields", "defaults"])
@pytest.mark.parametrize("model", WRITTEN)
def test_every_column_is_written_as_django_writes_it(saved, model, full):
    rows = rows_of(model, saved, full=full)
    if model is CustomerLock or model is StatusChange:  # One lock for a customer and offer: one row says as much.
        rows = rows[:1]
    by_django, read = copy.deepcopy(rows), []
    for write, written in ((model.objects.bulk_create, by_django), (insert, rows)):
        with transaction.atomic():
            write(written)
            read.append(stored(written))
            transaction.set_rollback(True)
    assert read[0] == read[1]


def test_rows_get_their_ids_in_their_order(world):
    rows = insert(Customer(advertiser=world.advertiser, customer_id=str(n)) for n in range(50))
    assert dict(Customer.objects.values_list("id", "customer_id")) == {row.pk: row.customer_id for row in rows}
    assert not rows[0]._state.adding


def test_rows_that_leave_different_things_open_are_written_together(world):
    postback = Postback.objects.create(received_at=AT, parameters=[])
    given, with_id = (
        StatusChange(conversion=ConversionFactory(), to_status="approved", reason="ok", postback=postback, at=AT)
        for _ in range(2)
    )
    with_id.pk = 10**9
    insert([given, with_id])
    assert set(StatusChange.objects.filter(postback=postback).values_list("at", flat=True)) == {AT}
    assert StatusChange.objects.filter(pk=10**9).exists()


def test_a_row_that_the_database_refuses_leaves_none_of_them(world):
    customers = [Customer(advertiser=world.advertiser, customer_id=name) for name in ("a", "b", "a")]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(customers)
    assert not Customer.objects.exists()


def test_fields_of_many_rows_are_changed_by_one_statement(world, django_assert_num_queries):
    rows = insert(Customer(advertiser=world.advertiser, customer_id=str(n)) for n in range(5))
    for row in rows:
        row.customer_id, row.created_at = f"{row.pk}{HOSTILE}", AT
    with django_assert_num_queries(1):
        assert update(rows[:3], ("customer_id",)) == 3
    found = list(Customer.objects.order_by("pk"))
    assert [row.customer_id for row in found] == [row.customer_id for row in rows[:3]] + ["3", "4"]
    assert all(row.created_at != AT for row in found)


def test_a_statement_for_all_rows_and_none_for_no_rows(world, django_assert_num_queries):
    with django_assert_num_queries(1):
        insert(Customer(advertiser=world.advertiser, customer_id=str(n)) for n in range(200))
    with django_assert_num_queries(0):
        assert insert(Customer() for _ in ()) == []


@isolate_apps("conversions")
def test_fields_that_prepare_their_values_do_so(db):
    """None of intake's models has such columns today; the change that adds one must not lose them."""

    class Shouting(models.CharField):
        def get_prep_value(self, value):
            return value.upper()

    class Word(models.Model):
        text = Shouting(max_length=10)
        seen_at = models.DateTimeField(auto_now=True)
        length = models.GeneratedField(
            expression=models.functions.Length("text"), output_field=models.IntegerField(), db_persist=True
        )

        class Meta:
            app_label = "conversions"

        def __str__(self):
            return self.text

    with connection.schema_editor() as editor:
        editor.create_model(Word)
    word = insert([Word(text="ana")])[0]
    assert (word.length, Word.objects.get().text) == (3, "ANA")
    assert Word.objects.get().seen_at == word.seen_at


@pytest.mark.parametrize("model", WRITTEN)
def test_a_new_row_is_what_django_makes(saved, model):
    """But for what is made anew for each: a random ID, a moment."""
    given = {
        field.name: (saved.get(field.related_model) if field.many_to_one else value_for(field, 1, saved))
        for field in model._meta.concrete_fields
        if not field.primary_key and not (field.many_to_one and field.null)
    }
    ours, djangos = new(model, **given), model(**given)
    assert without_state(ours) == without_state(djangos)
    assert ours._state.fields_cache == djangos._state.fields_cache
    assert ours._state.adding


@pytest.mark.parametrize("model", WRITTEN)
def test_a_new_row_has_the_models_defaults(model):
    ours, djangos = without_state(new(model)), without_state(model())
    assert ours.keys() == djangos.keys()
    # What Django makes anew for each row cannot be the same.
    same = {field.attname for field in model._meta.concrete_fields if not callable(field.default)}
    assert {name: repr(ours[name]) for name in same} == {name: repr(djangos[name]) for name in same}
    assert all(type(ours[name]) is type(djangos[name]) for name in ours)


def test_a_new_row_shares_no_mutable_default_with_another():
    first, second = new(Trace), new(Trace)
    first.problems.append("x")
    assert second.problems == []


def test_a_new_row_knows_its_fields(world):
    with pytest.raises(TypeError, match="Customer has no field custmer_id"):
        new(Customer, custmer_id="c")


def without_state(row):
    return {name: value for name, value in row.__dict__.items() if name != "_state"}


class TestRowsOfSeveralModels:
    def test_are_written_by_one_statement(self, world, django_assert_num_queries):
        customer = new(Customer, id=take_id(Customer), advertiser=world.advertiser, customer_id=HOSTILE)
        lock = new(
            CustomerLock, customer=customer, offer=world.offer, enrollment=world.ana_link.enrollment,
            link=world.ana_link, click_id=None, locked_at=AT,
        )  # fmt: skip
        world.advertiser.name = "Lucky Wolf"
        rows = Rows()
        rows.insert([lock])
        rows.insert([customer])
        rows.update([world.advertiser], ("name",))
        with django_assert_num_queries(1):
            assert rows.write() == []
        assert CustomerLock.objects.get().customer == customer
        assert Customer.objects.get().customer_id == HOSTILE
        assert Advertiser.objects.get().name == "Lucky Wolf"

    def test_are_written_once(self, world, django_assert_num_queries):
        rows = Rows()
        rows.insert([new(Customer, advertiser=world.advertiser, customer_id="c")])
        rows.write()
        with django_assert_num_queries(0):
            rows.write()
        assert Customer.objects.count() == 1

    def test_a_refused_row_leaves_none_of_them(self, world):
        rows = Rows()
        rows.insert([new(Customer, advertiser=world.advertiser, customer_id=name) for name in ("a", "a")])
        world.advertiser.name = "Lucky Wolf"
        rows.update([world.advertiser], ("name",))
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.write()
        assert Advertiser.objects.get().name == "Lucky Fox"

    def test_nothing_is_written_where_there_are_no_rows(self, world, django_assert_num_queries):
        rows = Rows()
        rows.insert(Customer() for _ in ())
        rows.update([], ("name",))
        with django_assert_num_queries(0):
            assert rows.write() == []

    def test_the_last_part_returns_its_rows(self, world):
        rows = Rows()
        rows.insert([new(Customer, advertiser=world.advertiser, customer_id="c")])
        rows.run("UPDATE affiliates_affiliate SET name = name WHERE id = ANY(%s) RETURNING id", [[world.ana.pk]])
        assert rows.write() == [(world.ana.pk,)]


@pytest.mark.parametrize("full", [True, False], ids=["all fields", "defaults"])
@pytest.mark.parametrize("model", [Conversion, Customer, CustomerLock, Touch])
def test_a_row_read_as_json_is_the_row_that_django_reads(saved, model, full):
    [row, *_] = insert(rows_of(model, saved, full=full)[:1])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(row)::text FROM {model._meta.db_table} AS row WHERE id = %s", [row.pk])
        ours = from_document(model, from_json(cursor.fetchone()[0]))
    djangos = model.objects.get(pk=row.pk)
    assert without_state(ours) == without_state(djangos)
    assert {name: type(value) for name, value in without_state(ours).items()} == {
        name: type(value) for name, value in without_state(djangos).items()
    }
    assert not ours._state.adding
