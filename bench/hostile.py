"""Hostile bodies: what clicks feel of those who send slow and huge bodies and show no one who they are."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench import servers
from bench.clicks import HEADERS, LINKS, QUICK_LINKS
from bench.generator import Plan
from bench.hostile_senders import HUGE, SLOW
from bench.installation import Installation
from bench.load import Load, by_generator
from bench.options import Options
from bench.results import Check, Ratio, Report, Sample
from bench.servers import WebServer
from config.embedded.places import ROOT

# Clicks a second, the same for all machines: far below what a server answers, so a wait is the bodies' doing.
RATE = 100.0
ALONE, BESIDE = "alone", "beside hostile bodies"


class Hostile:
    """The benchmark; `run` gives its report."""

    title = "Hostile bodies: clicks beside slow and huge bodies of unknown senders"

    def __init__(self, site: Installation, options: Options, say: Callable[[str], None]) -> None:
        self.site, self.options, self.say = site, options, say
        self.report = Report("hostile", self.title)

    def run(self) -> Report:
        """Measure the same paced clicks without and with hostile bodies, in turns."""
        world = self.site.inside("world", affiliates=20, links=QUICK_LINKS if self.options.quick else LINKS)
        self.targets = [f"/c/{code}?sub1=news" for code in world["codes"]]
        self.say("starting the web server")
        server = servers.affidavit(self.site)
        self._clicks(server)
        for turn in range(self.options.rounds):
            self.say(f"round {turn + 1} of {self.options.rounds}, {ALONE}")
            self._measure(server, ALONE)
            self.say(f"round {turn + 1} of {self.options.rounds}, {BESIDE}")
            with hostile_senders(server.port) as process:
                time.sleep(1)
                self._measure(server, BESIDE)
            self.report.notes.append(f"Round {turn + 1}: {(process.stdout or sys.stdin).read().strip()} bodies begun.")
        self._compare()
        return self.report

    def _clicks(self, server: WebServer) -> Load:
        return by_generator(
            Plan(server.port, self.targets, self.options.seconds, self.options.connections, headers=HEADERS, rate=RATE)
        )

    def _measure(self, server: WebServer, kind: str) -> None:
        load = self._clicks(server)
        sample = Sample(rate=load.rate, p50_ms=load.p50_ms, p99_ms=load.p99_ms)
        self.report.row("Affidavit", kind, "clicks").samples.append(sample)
        faultless = load.answered > 0 and not load.refused and not load.failures
        detail = f"{load.answered:,} redirects, {load.refused} refused, {load.failures} without an answer"
        self.report.checks.append(Check(f"{kind}: all redirected", faultless, detail))

    def _compare(self) -> None:
        alone, beside = (self.report.row("Affidavit", kind, "clicks").samples for kind in (ALONE, BESIDE))
        pairs = zip(beside, alone, strict=True)
        ratios = [(mine.p99_ms or 0) / (theirs.p99_ms or 1) for mine, theirs in pairs]
        self.report.ratios.append(Ratio("p99 beside hostile bodies to p99 alone", ratios))
        self.report.notes.append(
            f"{RATE:.0f} clicks a second, paced; {SLOW} connections that begin a body and stop, {HUGE} that send "
            "bodies of 2 to 3 MB with a short pause. The senders share the cores with the server."
        )


@contextmanager
def hostile_senders(port: int) -> Iterator[subprocess.Popen[str]]:
    """The senders as a process, ended with SIGTERM; its output says how many bodies they began."""
    command = [sys.executable, "-m", "bench.hostile_senders", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)
