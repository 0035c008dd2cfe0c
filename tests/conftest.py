"""The cast: Ana the affiliate, Ben her rival, Olga the operator."""

import pytest

from affiliates.models import Affiliate, User
from tests.factories import AffiliateFactory, SuperuserFactory


@pytest.fixture
def ana(db: None) -> Affiliate:
    return AffiliateFactory(name="Ana")


@pytest.fixture
def ben(db: None) -> Affiliate:
    return AffiliateFactory(name="Ben")


@pytest.fixture
def olga(db: None) -> User:
    return SuperuserFactory(name="Olga", email="olga@operator.example")
