"""The benchmarks really run, in their quick form, and leave nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import cost
from config.embedded.places import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

MUST_HOLD = {
    "clicks": {
        "clicks stored beforehand",
        "Affidavit, full load: stored = answered",
        "Affidavit, half load: stored = answered",
        "Affidavit, 5,000 stored, full load: stored = answered",
        "plain Django view, full load: stored = answered",
        "bare ASGI 302, full load: all redirected",
    },
    "postbacks": {
        "Affidavit: the same rules",
        "plain Django view: the same rules",
        "Affidavit, full load: each counted once",
        "Affidavit, 2,000 stored, full load: each counted once",
        "conversions_conversion stored beforehand",
        "conversions_trace stored beforehand",
        "Affidavit, half load: each counted once",
        "Affidavit, bulk, one sender load: each counted once",
        "Affidavit, bulk, 4 senders load: each counted once",
        "plain Django view, full load: each counted once",
        "in batches of 1,000: each counted once",
        "one by one through the ORM: each counted once",
    },
    "booking": {
        "balances equal a recomputation by SQL",
        "each conversion that earns booked once",
        "nothing is left due",
        "numbers without gaps",
    },
    "events": {"each conversion has its event"},
    "closing": {
        "closing balances equal the ledger's sums",
        "each statement goes on where the last one ended",
        "no payout beyond its account",
        "everybody is closed",
    },
    "hostile": {
        "alone: each click answered and stored",
        "hostile senders at another server: each click answered and stored",
        "hostile senders: each click answered and stored",
        "the hostile senders were at work",
    },
}


def start(*arguments: str | Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One quick run of all: what it printed, what it wrote, and how it ended."""
    written = tmp_path_factory.mktemp("bench") / "results.json"
    process = start("--quick", "--own-generator", "--output", written)
    printed, _ = process.communicate()
    return process.returncode, printed, json.loads(written.read_text())


def test_a_quick_run_of_all_succeeds(run):
    code, printed, results = run
    assert code == 0, printed
    assert [report["name"] for report in results["benchmarks"]] == list(MUST_HOLD)
    assert results["machine"]["cores"] == len(os.sched_getaffinity(0))
    assert results["versions"]["postgresql"]


@pytest.mark.parametrize("name", MUST_HOLD)
def test_each_benchmark_checks_what_it_did(run, name):
    _, printed, results = run
    report = next(report for report in results["benchmarks"] if report["name"] == name)
    held = {check["name"] for check in report["checks"] if check["holds"]}
    assert held >= MUST_HOLD[name], report["error"] or report["checks"]
    assert report["holds"]
    assert report["ratios"]
    assert report["title"] in printed


def test_an_interrupted_run_stops_all_that_it_started(tmp_path):
    process = start("clicks", "--quick", "--output", tmp_path / "results.json")
    try:
        until = time.monotonic() + 120
        # PostgreSQL with its background processes, and Redis.
        while len(found := cost.tree([process.pid])) < 6 and process.poll() is None:
            assert time.monotonic() < until, "its servers never started"
            time.sleep(0.05)
        homes = {Path(f"/proc/{each.pid}/cwd").resolve() for each in found if each.parent == process.pid}
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "Interrupted" in printed
    assert not (tmp_path / "results.json").exists()
    left = [each.pid for each in cost.tree([each.pid for each in found]) if each.pid != process.pid]
    assert not left
    assert not [home for home in homes if "bench" in home.parts and home.exists()]
