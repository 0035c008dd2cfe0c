"""Clicks beside hostile senders: the cost to others of slow, huge and hostile bodies without a key or token."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench import servers
from bench.cost import Watch
from bench.generator import Plan
from bench.hostile_senders import Attack
from bench.installation import Installation
from bench.load import Load, LoadFailed, by_generator
from bench.options import Options
from bench.results import Aim, Check, Ratio, Report, Sample
from bench.servers import WebServer
from config.embedded.places import ROOT

# Clicks are paced: well below what the server can do, so that a time is the server's and not a queue's.
RATE, CLICKERS, LINKS = 200.0, 16, 20
ATTACKERS, QUICK_ATTACKERS = 200, 20
# The senders use the same cores: the cost of that alone shows when they send to another server.
ALONE, ELSEWHERE, BESIDE = "alone", "hostile senders at another server", "hostile senders"
GOAL_MS = 100.0
# What they have begun is at its worst once all of them are at work.
SETTLING, QUICK_SETTLING = 3.0, 0.5
# The hostile senders click as well, without it.
SOURCE = "news"
COUNT = f"SELECT count(*) FROM tracking_click WHERE sub1 = '{SOURCE}'"
Say = Callable[[str], None]


class Hostile:
    """The benchmark; `run` gives its report."""

    title = "Clicks beside hostile senders"

    def __init__(self, site: Installation, options: Options, say: Say) -> None:
        self.site, self.options, self.say = site, options, say
        self.report = Report("hostile", self.title)
        self.attackers = QUICK_ATTACKERS if options.quick else ATTACKERS

    def run(self) -> Report:
        """Measure clicks alone, beside senders to another server, and beside senders to ours, in turns."""
        world = self.site.inside("world", affiliates=5, links=LINKS)
        self.targets = [f"/c/{code}?sub1={SOURCE}" for code in world["codes"]]
        self.code = world["codes"][0]
        self.say("starting the web server")
        server, other = servers.affidavit(self.site), servers.bare_asgi(self.site)
        self._load(server, 0.5)
        for turn in range(self.options.rounds):
            self.say(f"round {turn + 1} of {self.options.rounds}: {ALONE}")
            self._measure(server, ALONE)
            for kind, target in ((ELSEWHERE, other), (BESIDE, server)):
                self.say(f"round {turn + 1} of {self.options.rounds}: beside {self.attackers} {kind}")
                with self._attack(target):
                    self._measure(server, kind)
        self._compare()
        return self.report

    def _load(self, server: WebServer, seconds: float) -> Load:
        return by_generator(Plan(server.port, self.targets, seconds, CLICKERS, rate=RATE))

    def _measure(self, server: WebServer, kind: str) -> None:
        self.site.settle()
        before = self.site.query(COUNT)[0][0]
        with Watch([server.pid, self.site.postgres.pid or 0]) as watch:
            load = self._load(server, self.options.seconds)
        cpu_ms = watch.ours / load.answered * 1000 if load.answered else None
        p50, p99 = (load.p50_ms, load.p99_ms) if load.answered else (None, None)
        sample = Sample(load.rate, cpu_ms, p50, p99, watch.others)
        self.report.row("Affidavit", kind, "clicks").samples.append(sample)
        stored = self._stored(before + load.answered) - before
        detail = (
            f"{load.answered:,} answered, {load.refused} refused, {load.failures} without an answer, {stored:,} stored"
        )
        good = stored == load.answered > 0 and not load.refused and not load.failures
        self.report.checks.append(Check(f"{kind}: each click answered and stored", good, detail))

    def _stored(self, wanted: int) -> int:
        """How many clicks are stored, once those that were answered are."""
        end = time.monotonic() + 10
        while (found := self.site.query(COUNT)[0][0]) < wanted and time.monotonic() < end:
            time.sleep(0.1)
        return int(found)

    @contextmanager
    def _attack(self, server: WebServer) -> Iterator[None]:
        """Have the hostile senders at work, in a process of their own; check that they were."""
        process = subprocess.Popen(
            [sys.executable, "-m", Attack.__module__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert process.stdin
        assert process.stdout
        plan = {"port": server.port, "code": self.code, "connections": self.attackers, "seconds": 600}
        process.stdin.write(json.dumps(plan))
        process.stdin.close()
        try:
            if process.stdout.readline() != "ready\n":
                raise LoadFailed("The hostile senders did not start.")
            time.sleep(QUICK_SETTLING if self.options.quick else SETTLING)
            yield
            process.terminate()
            self._note(json.loads(process.stdout.read()))
        finally:
            process.kill()
            process.wait()

    def _note(self, found: dict[str, Any]) -> None:
        sent = sum(sum(counts.values()) for counts in found["answers"].values())
        kinds = len(found["answers"])
        detail = f"{sent:,} requests of {kinds} kinds; {sum(found['left_open'].values())} connections were left open"
        self.report.checks.append(Check("the hostile senders were at work", sent > 0, detail))

    def _compare(self) -> None:
        beside = self.report.row("Affidavit", BESIDE, "clicks")
        for kind, words in ((ALONE, "that without"), (ELSEWHERE, "that while they send to another server")):
            pairs = zip(beside.samples, self.report.row("Affidavit", kind, "clicks").samples, strict=True)
            values = [mine.p99_ms / theirs.p99_ms for mine, theirs in pairs if mine.p99_ms and theirs.p99_ms]
            self.report.ratios.append(Ratio(f"p99 of a click beside hostile senders to {words}", values))
        # Where no click is answered at all there is no p99, and no aim is met.
        p99 = beside.median("p99_ms") or float("inf")
        self.report.aims.append(Aim("p99 of a click beside hostile senders", p99, "ms", GOAL_MS))
