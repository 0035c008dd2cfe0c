"""Make the bundled database from a text dump of the IPFire Location database (see README.md beside this).

location dump dump.txt
uv run tracking/visitors/geography_data/build.py dump.txt
"""

# /// script
# dependencies = ["mmdb-writer>=0.2.6", "netaddr"]
# ///

import re
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

HERE = Path(__file__).parent
# Longer prefixes are finer than what the internet announces, and most of the file.
LONGEST = {4: 24, 6: 48}
# Companies that rent out computers and have it in their name.
SAYS_SO = re.compile(
    r"hosting|\bhosts?\b|\bhost europe|\bv[pd]s\b|data ?cent(?:er|re)s?\b|datacent|\bcolo(?:cation)?\b|cloud|"
    r"\bdedicated|\bservers?\b|bare ?metal",
    re.IGNORECASE,
)
# Large ones whose name does not show it.
KNOWN = re.compile(
    r"^(?:amazon|google(?! fiber| access)|microsoft|oracle|alibaba|hangzhou alibaba|shenzhen tencent|tencent|"
    r"digitalocean|ovh|hetzner|the constant company|contabo|leaseweb|scaleway|ionos|godaddy|rackspace|m247|"
    r"datacamp|zenlayer|aruba s|selectel|jsc selectel|jsc \"timeweb|timeweb|netcup|psychz|quadranet|g-core|gcore|"
    r"strato|bytedance|beijing baidu|huawei international|equinix|kamatera|ibm\b|softlayer)",
    re.IGNORECASE,
)
KNOWN_NUMBERS = {63949: "Akamai Technologies, Inc. (Linode)"}
# Exits of iCloud Private Relay and WARP: people's own devices, not computers in a rack.
RELAYS = re.compile(r"^(?:cloudflare|akamai|fastly|apple)\b", re.IGNORECASE)
HEAD = """\
# Autonomous systems of hosting companies: number, name. Made by build.py from the names in the IPFire Location
# database ({generated}), https://www.ipfire.org/location; licence: CC BY-SA 4.0.
"""

Fields = dict[str, str]


def read(path: Path) -> Iterator[Fields]:
    """The dump's objects: `key: value` lines up to an empty line."""
    with path.open(encoding="utf-8") as file:
        while fields := dict(_pair(line) for line in takewhile(str.strip, file)):
            yield fields


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key.strip(), value.strip()


def hosting(systems: dict[int, str]) -> dict[int, str]:
    """The systems that rent out computers, by their name or by the list."""
    found = {
        number: name
        for number, name in systems.items()
        if (SAYS_SO.search(name) or KNOWN.search(name)) and not RELAYS.search(name)
    }
    return found | KNOWN_NUMBERS


def main() -> None:
    from mmdb_writer import MMDBWriter  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from netaddr import IPNetwork, IPSet  # type: ignore[import-not-found,import-untyped,unused-ignore]

    dump = Path(sys.argv[1])
    networks: list[tuple[int, str, Fields]] = []
    systems: dict[int, str] = {}
    generated = "unknown"
    for fields in read(dump):
        if "net" in fields:
            address, _, length = fields["net"].partition("/")
            if int(length) <= LONGEST[6 if ":" in address else 4]:
                networks.append((int(length), fields["net"], fields))
        elif "aut-num" in fields:
            systems[int(fields["aut-num"].removeprefix("AS"))] = fields.get("name", "")
        else:
            generated = fields.get("# Generated", generated)
    listed = {number for _, _, fields in networks if (number := int(fields.get("aut-num", 0)))}
    writer = MMDBWriter(
        ip_version=6,
        ipv4_compatible=True,
        database_type="Affidavit-Country-ASN",
        languages=["en"],
        description=f"IPFire Location database of {generated}, CC BY-SA 4.0",
        int_type="u32",
    )
    for _, network, fields in sorted(networks, key=lambda each: each[0]):
        record: dict[str, object] = {}
        if "country" in fields:
            record["country"] = {"iso_code": fields["country"]}
        if "aut-num" in fields:
            record["autonomous_system_number"] = int(fields["aut-num"])
        writer.insert_network(IPSet([IPNetwork(network)]), record)
    writer.to_db_file(str(HERE / "geography.mmdb"))
    lines = [f"{number}\t{name}\n" for number, name in sorted(hosting(systems).items()) if number in listed]
    (HERE / "hosting_asns.txt").write_text(HEAD.format(generated=generated) + "".join(lines), encoding="utf-8")
    print(f"{len(networks):,} networks of {len(listed):,} systems; {len(lines):,} of them rent out computers.")


if __name__ == "__main__":
    main()
