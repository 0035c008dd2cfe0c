"""Parents: never in a circle, however they are set, and known for every time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from affiliates.models import Affiliate, Parentage
from tests.factories import AffiliateFactory


@pytest.mark.django_db
class TestCircles:
    def test_the_form_says_so(self, ana: Affiliate, ben: Affiliate) -> None:
        cleo = AffiliateFactory(name="Cleo", parent=ben)
        ben.parent = ana
        ben.save()
        ana.parent = cleo
        with pytest.raises(ValidationError, match="Cleo stands below Ana"):
            ana.full_clean()

    def test_the_database_refuses_them(self, ana: Affiliate, ben: Affiliate) -> None:
        Affiliate.objects.filter(pk=ben.pk).update(parent=ana)
        cleo = AffiliateFactory(name="Cleo", parent=ben)
        with pytest.raises(IntegrityError, match="affiliate_parents_in_a_circle"), transaction.atomic():
            Affiliate.objects.filter(pk=ana.pk).update(parent=cleo)
        assert Parentage.objects.filter(affiliate=ana).count() == 0

    def test_a_chain_is_none(self, ana: Affiliate, ben: Affiliate) -> None:
        Affiliate.objects.filter(pk=ben.pk).update(parent=ana)
        AffiliateFactory(parent=ben)
        Affiliate.objects.filter(pk=ben.pk).update(parent=None)
        Affiliate.objects.filter(pk=ana.pk).update(parent=ben)
        steps = Parentage.objects.filter(affiliate=ben).values_list("parent", flat=True)
        assert list(steps) == [ana.pk, None]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_no_circle() -> None:
    ana, ben = AffiliateFactory(), AffiliateFactory()
    start = Barrier(2)

    def put(child: Affiliate, parent: Affiliate) -> bool:
        start.wait()
        try:
            return bool(Affiliate.objects.filter(pk=child.pk).update(parent=parent))
        except IntegrityError:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(put, (ana, ben), (ben, ana)))
    assert sorted(done) == [False, True]


@pytest.mark.django_db
def test_parents_from_the_beginning_and_from_a_moment_on(ana: Affiliate, ben: Affiliate) -> None:
    cleo = AffiliateFactory(parent=ana)
    cleo.parent = ben
    cleo.save()
    cleo.name = "Cleopatra"
    cleo.save()
    first, second = Parentage.objects.filter(affiliate=cleo)
    assert (first.parent, first.since, second.parent) == (ana, None, ben)
    assert second.since is not None
