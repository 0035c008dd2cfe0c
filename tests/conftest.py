"""The cast: Ana the affiliate, Ben her rival, Olga the operator."""

import os
from collections import Counter
from collections.abc import Iterator
from itertools import count

import hypothesis
import pytest
from _pytest.nodeid import coerce_node_id
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase
from pytest_django.fixtures import Settings

from affiliates.models import Affiliate, User
from config.embedded import pytest_plugin
from conversions.intake.read import throttle
from tests.emptying import empty
from tests.examples import PROFILE, examples
from tests.factories import AffiliateFactory, SuperuserFactory

# The same examples in every run, so that a run says something of the change at hand; "default" looks for new ones. How
# long an example takes is the machine's affair.
for profile in ("quick", "thorough"):
    hypothesis.settings.register_profile(
        profile,
        derandomize=True,
        deadline=None,
        max_examples=examples(100),
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
hypothesis.settings.load_profile(PROFILE)

NUMBERS = count(1)

# Beside roles: single permissions, for tests of what each of them opens.
settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "tests.rights.SinglePermissions"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where tests run beside each other the long ones begin, so that no process is left with one at the end.

    Raise `pytest.UsageError` for an ID that two tests share: beside each other only the first would run.
    """
    name_operations(items)
    ids = Counter(item.nodeid for item in items)
    if shared := [name for name, number in ids.items() if number > 1]:
        raise pytest.UsageError(f"Tests share an ID, so that only one of each would run: {', '.join(shared)}")
    if hasattr(config, "workerinput"):
        items.sort(
            key=lambda item: not any(item.get_closest_marker(name) for name in ("faults", "browser", "slow", "long"))
        )


def name_operations(items: list[pytest.Item]) -> None:
    """Schemathesis names each test by its operation, but gives all operations of an API one ID."""
    for item in items:
        file, _, last = item.nodeid.rpartition("::")
        if item.name != last and item.name.startswith(f"{last}["):
            item._id = coerce_node_id(f"{file}::{item.name}")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Copy the migrated database of the run's own server (`pytest_plugin`), rather than migrate once more."""
    if template := os.environ.get(pytest_plugin.TEMPLATE):
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = template


@pytest.fixture(autouse=True, scope="session")
def emptied_between_tests() -> Iterator[None]:
    """After a test that commits, only what it wrote is removed; Django's own way is slower than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: empty())
        yield


@pytest.fixture(autouse=True)
def own_spool(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Clicks that a test puts on disk stay its own. The directory is made when it is needed: few tests do."""
    settings.SPOOL_DIR = tmp_path_factory.getbasetemp() / f"spool-{next(NUMBERS)}"


@pytest.fixture(autouse=True)
def no_request_has_failed() -> None:
    """A process remembers addresses that failed too often; the next test begins anew."""
    throttle.forget()


@pytest.fixture(autouse=True)
def wrong_keys_are_not_counted(settings: Settings) -> None:
    """All tests ask from one address, and many of them with wrong keys; see test_wrong_keys.py."""
    settings.FAILED_API_KEYS_PER_MINUTE = 0


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """A real hash takes long on purpose; tests sign in often."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ana(db: None) -> Affiliate:
    return AffiliateFactory(name="Ana")


@pytest.fixture
def ben(db: None) -> Affiliate:
    return AffiliateFactory(name="Ben")


@pytest.fixture
def olga(db: None) -> User:
    return SuperuserFactory(name="Olga", email="olga@operator.example")
