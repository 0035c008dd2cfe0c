"""`click_id` and `rotate_click_key`, the settings they work with, and the page that publishes the format."""

import ast
import base64
import hashlib
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import environ
import pytest
from django.conf import settings as django_settings
from django.db import OperationalError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from records.periods import months_after
from tests.factories import ClickFactory, TrackingLinkFactory
from tests.tracking.storage import personal_click, run
from tracking.checks import check_click_id_keys, check_retention
from tracking.click_id import codec
from tracking.click_id import keys as click_id_keys
from tracking.click_id.reading import read

PAGE = (Path(django_settings.BASE_DIR) / "docs" / "click-id.md").read_text()
ONE, TWO = "1:the old key of the year", "2:the new key of the year"


@pytest.fixture
def link(db):
    return TrackingLinkFactory(code="ana-casino", enrollment__affiliate__name="Ana")


# --- click_id


def test_a_genuine_id_shows_link_affiliate_offer_and_time(link):
    text = codec.new(link_number=link.pk, at=datetime(2026, 11, 1, 12, tzinfo=UTC)).text
    code, output = run("click_id", text)
    assert code == 0
    for fact in ("genuine", "ana-casino", "Ana (", link.enrollment.offer.public_id, "2026-11-01 12:00:00.000 UTC"):
        assert fact in output
    assert "not stored" in output


def test_it_says_what_became_of_the_click(link):
    now = timezone.now()
    stored = [
        (personal_click(now, link, is_bot=True), "stored; marked as bot; personal fields there"),
        (ClickFactory(link=link, marked_at=now, ip=None, user_agent=""), "stored; no marks; personal fields cleared"),
        (ClickFactory(link=link), "stored; marks not yet complete; personal fields there"),
    ]
    for click, fact in stored:
        assert fact in run("click_id", codec.text_of(click.pk))[1]
    old = codec.new(link_number=link.pk, at=months_after(now, -37)).text
    assert "dropped: older than CLICK_ROW_MONTHS" in run("click_id", old)[1]


def test_a_link_that_is_gone_is_named_by_its_number(db):
    assert "number 4294967295, which no link has" in run("click_id", codec.new(link_number=2**32 - 1).text)[1]


def test_one_forged_id_among_many_is_reported_by_the_exit_code(link):
    good = codec.new(link_number=link.pk).text
    assert run("click_id", good, good.upper(), f" {good}\n")[0] == 0
    code, output = run("click_id", good, good[:-1], good)
    assert code == 1
    assert output.count("NOT genuine") == 1


def changed(text: str, place: int) -> str:
    return text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]


def test_each_kind_of_problem_is_named(settings):
    settings.CLICK_ID_KEYS = [TWO, ONE]
    text = codec.new(link_number=42).text
    settings.CLICK_ID_KEYS = ["3:a retired key of the year"]
    retired = codec.new(link_number=42).text
    settings.CLICK_ID_KEYS = [TWO, ONE]
    problems = {
        text[:-1]: "Length: it has 39 characters, a click ID has 40; perhaps it was cut off",
        text + "x": "Length: it has 41 characters, a click ID has 40; perhaps something was added",
        "": "Length: it has 0 characters",
        text[:-2] + "w/": "Alphabet: 'w' '/'",
        text[:-1] + "\u0131": "Alphabet: '\u0131'",  # becomes an ASCII letter in upper case
        "{click_id}": "Placeholder",
        "%7Bclick_id%7D": "Placeholder",
        str(codec.new(link_number=1).uuid): "Length: this is a click's stored key (a UUID)",
        retired: "Key: it says that key 3 signed it, and CLICK_ID_KEYS has 1, 2",
        changed(text, 0): "Signature: it is not what key 2 gives",
        changed(text, 39): "Signature",
    }
    assert {given: read(given).problem[: len(problem)] for given, problem in problems.items()} == problems
    assert read(text).problem == read(text.upper()).problem == ""


def test_what_a_forged_id_says_is_only_a_claim(link):
    forged = changed(codec.new(link_number=link.pk).text, 39)
    code, output = run("click_id", forged)
    assert code == 1
    assert "claims link" in output
    assert "claims made" in output
    assert "stored" not in output
    assert "claims made      never" in run("click_id", "v" * 40)[1]


@given(
    st.one_of(st.text(max_size=60), st.text(alphabet="0123456789abcdefghijklmnopqrstuvwxyzV", min_size=40, max_size=40))
)
def test_any_text_is_read_and_genuine_only_where_the_parser_says_so(text):
    reading = read(text)
    assert reading.is_genuine == (codec.parse(text) is not None)
    assert reading.problem
    assert reading.made_at is None or reading.made_at.tzinfo


def test_an_id_is_read_without_the_database(monkeypatch):
    def refuse(*_):
        raise OperationalError("connection refused")

    monkeypatch.setattr("tracking.management.commands.click_id.Command._report_stored", refuse)
    code, output = run("click_id", codec.new(link_number=42).text)
    assert code == 0
    assert "genuine" in output
    assert "number 42" in output
    assert "PostgreSQL does not answer" in output


def test_a_new_id_is_genuine_and_of_its_link_and_time(link):
    now = timezone.now()
    made = codec.parse(run("click_id", "--new", "--link", "ANA-Casino")[1].strip())
    assert made.link_number == link.pk
    assert abs(made.made_at - now) < timedelta(minutes=1)
    for at in ("2026-11-01T13:00:00+01:00", "2026-11-01T12:00:00", "2026-11-01T12:00:00Z"):
        output = run("click_id", "--new", "--link", link.code, "--at", at)[1]
        assert codec.parse(output.strip()).made_at == datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Give click IDs"),
        (["--new"], "--link CODE"),
        (["--new", "--link", "nosuch"], "There is no link 'nosuch'"),
        (["--new", "--link", "ana-casino", "--at", "noon"], "is not a time"),
        (["--new", "--link", "ana-casino", "--at", "1969-12-31T23:59:59Z"], "from 1970 on"),
        (["--new", "--link", "ana-casino", "x"], "it takes none"),
        (["--link", "ana-casino", "x"], "go with --new"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(link, arguments, says):
    code, output = run("click_id", *arguments)
    assert code == 1
    assert says in output


# --- rotate_click_key


def listed(text: str) -> list[str]:
    """What a server would have as CLICK_ID_KEYS with the printed line in its .env."""
    return re.search(r"^CLICK_ID_KEYS='(.*)'$", text, re.MULTILINE)[1].split(",")


def test_a_fresh_key_signs_and_the_old_ones_verify(settings):
    settings.CLICK_ID_KEYS = [TWO, ONE]
    old = codec.new(link_number=42)
    text = old.text
    code, output = run("rotate_click_key")
    assert code == 0
    assert "restart web, worker" in output
    first, *rest = settings.CLICK_ID_KEYS = listed(output)
    assert first.startswith("3:")
    assert len(first) > 40
    assert rest == [TWO, ONE]
    assert codec.parse(text) == old
    assert old.text != text
    assert read(old.text).key_number == 3
    assert listed(run("rotate_click_key")[1])[0] != first  # fresh each time


def test_several_servers_know_a_key_before_it_signs(settings):
    settings.CLICK_ID_KEYS = [TWO, ONE]
    code, output = run("rotate_click_key", "--behind")
    old, fresh = [TWO, ONE], listed(output)
    assert (code, fresh[:2], fresh[2][:2]) == (0, old, "3:")
    assert "--promote 3" in output
    settings.CLICK_ID_KEYS = fresh
    front = listed(run("rotate_click_key", "--promote", "3")[1])
    assert front == [fresh[2], TWO, ONE]
    for signing, verifying in ((old, fresh), (fresh, old), (fresh, front), (front, fresh)):
        settings.CLICK_ID_KEYS = signing
        text = codec.new(link_number=1).text
        settings.CLICK_ID_KEYS = verifying
        assert codec.parse(text)


@pytest.mark.parametrize(
    ("numbers", "following"), [([0], 1), ([7, 3], 8), ([255], 0), ([255, 0, 1], 2), ([254, 255, 0], 1), ([], 0)]
)
def test_the_next_number_is_free_and_not_one_of_lately(settings, numbers, following):
    settings.CLICK_ID_KEYS = [f"{number}:a secret that is long enough" for number in numbers]
    assert listed(run("rotate_click_key")[1])[0].startswith(f"{following}:")


def test_all_numbers_in_use_is_reported(settings):
    settings.CLICK_ID_KEYS = [f"{number}:a secret that is long enough" for number in range(256)]
    assert run("rotate_click_key") == (
        1,
        "All 256 key numbers are in use. Remove the oldest key: its clicks are years old.",
    )


def test_the_default_key_is_written_out_so_that_its_clicks_stay_genuine(settings):
    settings.CLICK_ID_KEYS = [f"0:{settings.SECRET_KEY}"]
    text = codec.new(link_number=1).text
    output = run("rotate_click_key")[1]
    assert "holds SECRET_KEY as the secret of key 0" in output
    settings.CLICK_ID_KEYS = listed(output)
    assert codec.parse(text)
    assert "made from SECRET_KEY" in run("rotate_click_key", "--check")[1]


def test_keys_are_compared_without_being_shown(settings):
    settings.CLICK_ID_KEYS = [TWO, ONE]
    code, here = run("rotate_click_key", "--check")
    assert code == 0
    assert re.fullmatch(r"key   2  [0-9a-f]{8}  signs and verifies\nkey   1  [0-9a-f]{8}  verifies\n", here)
    settings.CLICK_ID_KEYS = [ONE, TWO]
    assert sorted(re.findall(r"key +\d  \w+", run("rotate_click_key", "--check")[1])) == sorted(
        re.findall(r"key +\d  \w+", here)
    )
    settings.CLICK_ID_KEYS = [TWO, ONE + "!"]
    assert run("rotate_click_key", "--check")[1].splitlines()[1] != here.splitlines()[1]


@pytest.mark.parametrize(
    ("keys", "arguments", "says"),
    [
        ([ONE, "1:the same number again"], [], "names key 1 twice"),
        ([ONE, "01:the same number again"], ["--check"], "names key 1 twice"),
        (["x:a secret that is long enough"], [], "needs number:secret pairs"),
        ([ONE], ["--promote", "7"], "There is no key 7; CLICK_ID_KEYS has 1"),
        (["0:a secret, with a comma in it"], [], "key 0 has a comma"),
        (["0:it's a secret with a quote"], [], "by hand"),
        ([], ["--check"], "CLICK_ID_KEYS is empty"),
    ],
)
def test_what_cannot_be_rotated_is_reported(settings, keys, arguments, says):
    settings.CLICK_ID_KEYS = keys
    code, output = run("rotate_click_key", *arguments)
    assert code == 1
    assert says in output
    assert "CLICK_ID_KEYS='" not in output


def test_the_printed_line_is_read_back_from_a_file_as_it_was_meant(settings, tmp_path, monkeypatch):
    settings.CLICK_ID_KEYS = ['1:odd "characters" #in $it: \\ and =', "0:a second secret (quite plain)"]
    output = run("rotate_click_key")[1]
    (tmp_path / "env").write_text(output.splitlines()[0] + "\n")
    monkeypatch.setattr(environ.Env, "ENVIRON", {})
    environ.Env.read_env(tmp_path / "env")
    assert environ.Env().list("CLICK_ID_KEYS")[1:] == settings.CLICK_ID_KEYS
    click_id_keys.listed()


# --- The system checks


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([ONE, "1:the same number again"], "names key 1 twice"),
        (["1:short"], "needs number:secret pairs"),
        (["\u00b2:a secret that is long enough"], "needs number:secret pairs"),
        ([], "is empty"),
    ],
)
def test_nonsense_keys_are_refused_at_start(settings, keys, says):
    settings.CLICK_ID_KEYS = keys
    (error,) = check_click_id_keys()
    assert says in error.msg
    code, output = run("check")
    assert code == 1
    assert says in output
    assert "tracking.E00" in output


@pytest.mark.parametrize(
    ("days", "months", "found"),
    [
        (90, 36, []),
        (0, 0, []),
        (1, 0, []),
        (-1, 36, ["tracking.E003"]),
        (90, -36, ["tracking.E003"]),
        (10**7, 10**7, ["tracking.E003", "tracking.E003"]),
        (0, 36, ["tracking.W001"]),
        (90, 1, ["tracking.W001"]),
    ],
)
def test_retention_that_makes_no_sense_is_reported(settings, days, months, found):
    settings.CLICK_PERSONAL_DAYS, settings.CLICK_ROW_MONTHS = days, months
    assert [message.id for message in check_retention()] == found


def test_the_settings_as_they_come_are_in_order():
    assert check_click_id_keys() == check_retention() == []


# --- docs/click-id.md


def cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def table(heading: str) -> list[list[str]]:
    """The rows of the first table that begins with this heading."""
    lines = PAGE[PAGE.index(f"| {heading} |") :].splitlines()[2:]
    return [cells(line) for line in lines[: lines.index("")]]


VECTORS = table("entry of CLICK_ID_KEYS")
SNIPPET = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]


def verify_alone(keys: str, text: str) -> tuple[int, object]:
    """Run the published snippet as it stands, without this project and its packages on the path."""
    command = [sys.executable, "-I", "-S", "-c", SNIPPET, keys, text]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env={"PYTHONUTF8": "1"})
    assert not done.stderr
    output = done.stdout.strip()
    return done.returncode, ast.literal_eval(output) if output.startswith("{") else output


@pytest.mark.parametrize(("keys", "uuid", "text", "made_at", "link"), VECTORS)
def test_published_vectors_hold_here_and_in_the_published_snippet(settings, keys, uuid, text, made_at, link):
    settings.CLICK_ID_KEYS = [keys]
    made = codec.parse(text)
    assert (str(made.uuid), made.text, made.link_number) == (uuid, text, int(link))
    assert made.made_at == datetime.fromisoformat(made_at)
    facts = {"uuid": uuid, "made_at": made_at, "link_number": int(link), "key_number": int(keys.partition(":")[0])}
    assert verify_alone(keys, text) == (0, facts)
    assert verify_alone(f"9:another secret,{keys}", text.upper()) == (0, facts)


def test_there_are_several_vectors_and_they_differ():
    assert len(VECTORS) >= 5
    assert len({row[0] for row in VECTORS}) >= 4


@pytest.mark.parametrize("text", [row[0] for row in table("text")] + ["", "\u0131" * 40, "=" * 40, "é"])
def test_published_forgeries_fail_here_and_in_the_published_snippet(settings, text):
    settings.CLICK_ID_KEYS = [VECTORS[0][0]]
    assert codec.parse(text) is None
    assert verify_alone(VECTORS[0][0], text) == (1, "not genuine")


def test_the_snippet_needs_nothing_but_the_standard_library():
    imported = {
        name.name.partition(".")[0]
        for node in ast.walk(ast.parse(SNIPPET))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module)])
    }
    assert imported <= sys.stdlib_module_names


def test_published_steps_lead_to_the_first_vector():
    secret, key, signed, code = (row[1] for row in table("step"))
    assert hashlib.sha256(secret.encode()).hexdigest() == key
    mac = hashlib.blake2b(bytes.fromhex(signed), digest_size=8, key=bytes.fromhex(key), person=b"affidavit-click")
    assert mac.hexdigest() == code
    assert base64.b32hexencode(bytes.fromhex(signed + code)).decode().lower() == VECTORS[0][2]
    assert VECTORS[0][0].partition(":")[2] == secret
