import os
import shutil
from ipaddress import ip_address, ip_network

import maxminddb
import pytest

from tracking.checks import check_marks
from tracking.visitors import geography
from tracking.visitors.geography import BUNDLED, NOWHERE, hosting_asns, locate


@pytest.fixture(autouse=True)
def nothing_remembered():
    for cache in (geography._files, geography._reader, geography._locate):
        cache.cache_clear()


@pytest.mark.parametrize(
    ("address", "country", "asn", "is_data_centre"),
    [
        ("8.8.8.8", "US", 15169, True),  # Google
        ("5.9.0.1", "DE", 24940, True),  # Hetzner
        ("2a01:4f8::1", "DE", 24940, True),
        ("84.112.3.4", "AT", 8412, False),  # a cable company's customers
        ("::ffff:84.112.3.4", "AT", 8412, False),
        ("1.1.1.1", "AU", 13335, False),  # WARP: people's own devices
    ],
)
def test_the_bundled_database_knows_where_an_address_is(address, country, asn, is_data_centre):
    place = locate(address)
    assert (place.country, place.asn, place.is_data_centre) == (country, asn, is_data_centre)


@pytest.mark.parametrize("address", [None, "", "127.0.0.1", "10.1.2.3", "fd00::1", "no address", "\0", "²"])
def test_what_is_nowhere_on_the_internet_is_nowhere(address):
    assert locate(address) == NOWHERE


def test_a_truncated_address_keeps_its_country():
    assert locate("84.112.3.0").country == "AT"
    assert locate("2a01:4f8::").country == "DE"


def test_large_hosting_companies_are_listed_and_relays_of_phones_are_not():
    assert {16509, 14618, 8075, 396982, 14061, 16276, 24940, 63949, 20473, 51167} <= hosting_asns()
    assert not {13335, 36183, 54113, 714, 3320, 7922} & hosting_asns()


def test_the_bundled_file_covers_the_world_and_names_its_licence():
    with maxminddb.open_database(BUNDLED) as database:
        assert "CC BY-SA 4.0" in database.metadata().description["en"]
        found = [database.get(f"{first}.{second}.7.7") for first in range(1, 224) for second in range(0, 256, 4)]
    countries = [record["country"]["iso_code"] for record in found if record and "country" in record]
    assert len(countries) > 0.8 * len(found)
    assert {"BR", "CN", "DE", "GB", "IN", "JP", "NG", "US", "ZA"} <= set(countries)
    assert len(set(countries)) > 100


class Reader:
    """A database of one network, in one of the layouts that are sold."""

    def __init__(self, network, record, version=4):
        self.network, self.record, self.version = ip_network(network), record, version

    def get(self, address):
        found = ip_address(address)
        if found.version > self.version:
            raise ValueError("IPv6 in an IPv4 database")
        return self.record if found in self.network else None


@pytest.fixture
def databases(settings, monkeypatch, tmp_path):
    """Put databases in place of the bundled one: files by name."""

    def use(**readers):
        for name in readers:
            (tmp_path / name).touch()
        settings.GEOIP_FILES = [str(tmp_path / name) for name in readers]
        monkeypatch.setattr(geography, "open_database", lambda path: readers[path.name])

    return use


@pytest.mark.parametrize(
    ("record", "country", "asn"),
    [
        ({"country": {"iso_code": "FR"}, "registered_country": {"iso_code": "US"}}, "FR", None),
        ({"registered_country": {"iso_code": "US"}}, "US", None),
        ({"country_code": "fr", "asn": "AS3215"}, "FR", 3215),
        ({"country": "FR", "asn": "AS3215"}, "FR", 3215),
        ({"autonomous_system_number": 16509}, "", 16509),
        ({"city": {}, "country": {}}, "", None),
        ("just a text", "", None),
    ],
)
def test_databases_of_several_makers_are_understood(databases, record, country, asn):
    databases(own=Reader("192.0.2.0/24", record))
    place = locate("192.0.2.9")
    assert (place.country, place.asn, place.is_data_centre) == (country, asn, asn == 16509)


def test_several_databases_complete_each_other_and_the_first_one_that_knows_is_believed(databases):
    databases(
        country=Reader("192.0.2.0/24", {"country": {"iso_code": "FR"}}),
        asn=Reader("192.0.2.0/24", {"country": {"iso_code": "ES"}, "autonomous_system_number": 3215}),
        anonymous=Reader("192.0.2.0/28", {"is_hosting_provider": True}),
    )
    assert locate("192.0.2.9") == geography.Location("FR", 3215, True)
    assert locate("192.0.2.99") == geography.Location("FR", 3215, False)


def test_a_database_that_knows_no_ipv6_has_no_answer(databases):
    databases(own=Reader("192.0.2.0/24", {"country": "FR"}))
    assert locate("2a01:4f8::1") == NOWHERE


def test_a_file_that_is_replaced_is_noticed(settings, tmp_path, monkeypatch):
    minutes = iter(range(0, 1000, geography.RE_EVALUATE))
    monkeypatch.setattr(geography.time, "monotonic", lambda: next(minutes))
    file = tmp_path / "own.mmdb"
    settings.GEOIP_FILES = [str(file)]
    assert locate("84.112.3.4") == NOWHERE  # not there yet: reported, and no reason to stop
    file.write_bytes(b"broken")
    assert locate("84.112.3.4") == NOWHERE
    shutil.copy(BUNDLED, file)
    os.utime(file, ns=(1, 1))
    assert locate("84.112.3.4").country == "AT"


def test_a_database_that_cannot_be_used_is_refused_at_start(settings, tmp_path):
    (tmp_path / "broken.mmdb").write_bytes(b"no database")
    settings.GEOIP_FILES = [str(tmp_path / "none.mmdb"), str(tmp_path / "broken.mmdb"), str(BUNDLED)]
    assert [error.id for error in check_marks()] == ["tracking.E005", "tracking.E005"]
    settings.GEOIP_FILES = []
    assert check_marks() == []


@pytest.mark.parametrize("seconds", [-1, 3601])
def test_a_senseless_time_between_duplicates_is_refused_at_start(settings, seconds):
    settings.CLICK_DUPLICATE_SECONDS = seconds
    assert [error.id for error in check_marks()] == ["tracking.E004"]
