"""Clicks: redirects per second that are answered with the click durable, and the cost of each."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import servers
from bench.cost import Watch
from bench.generator import Plan
from bench.installation import Installation
from bench.load import Load, by_generator, by_wrk
from bench.options import Options
from bench.results import Aim, Check, Report, Row, Sample, cost_ratio, ratio
from bench.servers import WebServer

LINKS, QUICK_LINKS = 500, 20
GROWN = "grown"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
HEADERS = [f"User-Agent: {BROWSER}", "Referer: https://blog.example/best-casinos", "Accept-Language: en"]
WARM_UP, QUICK_WARM_UP = 1.0, 0.2
# Clicks under way when the load ends are stored a moment later, those that went to the spool once it is drained.
SETTLING, PATIENCE = 0.3, 10.0
FILL_STEP = 500_000
# Spread evenly over twelve months up to now, in the order of time, over all links; marked, as the marker leaves them.
FILL = """
INSERT INTO tracking_click (id, link_id, clicked_at, ip, user_agent, referrer, visitor, aff_click_id, source, sub1,
                            marked_at, country, device)
SELECT (lpad(to_hex(ms), 12, '0') || lpad(to_hex(link), 8, '0') || substr(md5(n::text), 1, 12))::uuid,
       link, to_timestamp(ms / 1000.0), '203.0.113.7', %s, 'https://blog.example/best-casinos', gen_random_uuid(),
       'visit-' || n, 'mail', 'news-' || n %% 50, to_timestamp(ms / 1000.0), 'DE', 'desktop'
FROM generate_series(%s::bigint, %s::bigint) AS n,
     LATERAL (SELECT %s::bigint + n * %s::bigint / %s::bigint AS ms, (%s::bigint[])[1 + n * 7919 %% %s] AS link) AS made
"""
COUNT = "SELECT count(*) FROM tracking_click WHERE id >= tracking_click_bound(to_timestamp(%s))"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Measured:
    """One load on one server, with its cost and the rows in the database afterwards."""

    load: Load
    sample: Sample
    stored: int | None


class Clicks:
    """The benchmark; `run` gives its report."""

    title = "Clicks: GET /c/<code>, answered when the click is durable"

    def __init__(self, site: Installation, options: Options, say: Say) -> None:
        self.site, self.options, self.say = site, options, say
        self.report = Report("clicks", self.title)

    def run(self) -> Report:
        """Measure all servers in turns, then at half load, then say how they compare."""
        self.links = QUICK_LINKS if self.options.quick else LINKS
        world = self.site.inside("world", affiliates=20, links=self.links)
        self.targets = [f"/c/{code}?sub1=news&source=mail&aff_click_id=v{n}" for n, code in enumerate(world["codes"])]
        compared = self._start(world["link_ids"])
        for server in compared:
            self.say(f"warming up: {server.name}")
            self._check_redirects(server)
            self._paced_or_full(server, QUICK_WARM_UP if self.options.quick else WARM_UP, None)
        for turn in range(self.options.rounds):
            for server in compared:
                self.say(f"round {turn + 1} of {self.options.rounds}, full load: {server.name}")
                self._measure(server, "full", None)
        for turn in range(self.options.rounds):
            for server in [server for server in compared if server.database == self.site.database]:
                self.say(f"round {turn + 1} of {self.options.rounds}, half load: {server.name}")
                self._measure(server, "half", self.report.row(server.name, "full", "").rate / 2)
        self._compare(compared)
        return self.report

    def _start(self, link_ids: Sequence[int]) -> list[WebServer]:
        """Start the servers; the grown database is a copy of the first, filled."""
        site, found = self.site, []
        if self.options.rows:
            site.drop_database(GROWN)
            site.copy_database(GROWN)
            self._fill(link_ids)
        self.say("starting the web servers")
        found.append(servers.affidavit(site))
        if self.options.rows:
            found.append(servers.affidavit(site, f"Affidavit, {self.options.rows:,} stored", GROWN))
        found.append(servers.plain_django(site))
        found.append(servers.bare_asgi(site))
        if fixed := servers.nginx(site):
            found.append(fixed)
        else:
            self.report.notes.append("nginx is not installed: its fixed 302 was not measured.")
        return found

    def _fill(self, link_ids: Sequence[int]) -> None:
        """Store the clicks that are there already, by the server itself."""
        ends = int(time.time() * 1000) - 60_000
        year, rows = 365 * 86_400_000, self.options.rows
        partitions = "SELECT tracking_make_click_partitions((now() - interval '366 days')::date, now()::date)"
        self.site.execute(partitions, database=GROWN)
        for first in range(0, rows, FILL_STEP):
            self.say(f"storing {rows:,} clicks: {first / rows:.0%}")
            last = min(first + FILL_STEP, rows) - 1
            values = (BROWSER, first, last, ends - year, year, rows, list(link_ids), len(link_ids))
            self.site.execute(FILL, *values, database=GROWN)
        self.say(f"tidying up {rows:,} clicks")
        self.site.as_owner("VACUUM ANALYZE tracking_click", database=GROWN)
        found = self.site.query("SELECT count(*) FROM tracking_click", database=GROWN)[0][0]
        self.report.checks.append(Check("clicks stored beforehand", found == rows, f"{found:,} of {rows:,}"))

    def _check_redirects(self, server: WebServer) -> None:
        answer = servers.get(server.port, self.targets[0])
        if answer.status != 302:
            detail = f"{server.name} answered {answer.status}: {answer.text[:200]}"
            self.report.checks.append(Check("a link redirects", False, detail))

    def _load(self, server: WebServer, rate: float | None) -> Load:
        options = self.options
        if rate is None and options.wrk:
            return by_wrk(
                options.wrk, port=server.port, targets=self.targets, headers=HEADERS, seconds=options.seconds,
                connections=options.connections, home=self.site.home,
            )  # fmt: skip
        return self._paced_or_full(server, options.seconds, rate)

    def _paced_or_full(self, server: WebServer, seconds: float, rate: float | None) -> Load:
        return by_generator(
            Plan(server.port, self.targets, seconds, self.options.connections, headers=HEADERS, rate=rate)
        )

    def _measure(self, server: WebServer, kind: str, rate: float | None) -> None:
        """Load one server and store the result."""
        if server.database == self.site.database:
            self.site.execute("TRUNCATE tracking_click")
        measured = self._measured(server, rate)
        self.report.row(server.name, kind, "clicks").samples.append(measured.sample)
        self._check(server.name, kind, measured)

    def _measured(self, server: WebServer, rate: float | None) -> Measured:
        self.site.settle()
        roots = [server.pid, *([self.site.postgres.pid or 0] if server.database else [])]
        began = time.time()
        with Watch(roots) as watch:
            load = self._load(server, rate)
        stored = self._stored(server, began, load.answered) if server.database else None
        sample = Sample(
            rate=load.rate,
            cpu_ms=watch.ours / load.answered * 1000 if load.answered else None,
            p50_ms=load.p50_ms,
            p99_ms=load.p99_ms,
            others=watch.others,
        )
        return Measured(load, sample, stored)

    def _stored(self, server: WebServer, began: float, answered: int) -> int:
        """Count the rows stored since then, waiting a while for missing ones."""
        time.sleep(SETTLING)
        until = time.monotonic() + PATIENCE
        while True:
            stored: int = self.site.query(COUNT, began, database=server.database)[0][0]
            if stored >= answered or time.monotonic() > until:
                return stored
            time.sleep(SETTLING)

    def _check(self, name: str, kind: str, measured: Measured) -> None:
        """Every answer was a redirect, and every answered click is stored."""
        load = measured.load
        faultless = load.answered > 0 and not load.refused and not load.failures
        detail = f"{load.answered:,} redirects, {load.refused} refused, {load.failures} without an answer"
        self.report.checks.append(Check(f"{name}, {kind} load: all redirected", faultless, detail))
        if measured.stored is not None:
            self.report.checks.append(stored_is_answered(f"{name}, {kind} load", load, measured.stored))
        if load.late_ms > 5:
            self.report.notes.append(
                f"{name}, {kind} load: our generator itself was up to {load.late_ms:.1f} ms late; times include that."
            )

    def _compare(self, compared: Sequence[WebServer]) -> None:
        report, rows = self.report, {row.name: row for row in self.report.rows if row.load == "full"}
        ours = rows["Affidavit"]
        if "nginx fixed 302" in rows:
            report.ratios.append(ratio("Affidavit to nginx's fixed 302", ours, rows["nginx fixed 302"], 0.15))
        report.ratios.append(ratio("Affidavit to a bare ASGI 302", ours, rows["bare ASGI 302"]))
        report.ratios.append(ratio("Affidavit to a plain Django view", ours, rows["plain Django view"], 4))
        report.ratios.append(cost_ratio("processor time of the plain view to ours", rows["plain Django view"], ours))
        grown = f"Affidavit, {self.options.rows:,} stored"
        if grown in rows:
            report.ratios.append(ratio(f"{self.options.rows:,} stored to an empty table", rows[grown], ours, 0.9))
        half: Row = report.row("Affidavit", "half", "clicks")
        report.aims.append(Aim("Affidavit's p99 at half load", half.median("p99_ms") or 0, "ms", 50))
        generator = "wrk" if self.options.wrk else "our own generator, whose speed bounds the faster servers"
        report.notes += [
            f"Full load by {generator}; half load by our own, paced: times count from when a request was due. "
            f"{self.options.connections} connections over {self.links} links.",
            "The load generator shares the cores with what it measures: all systems would answer more without it.",
            f"The plain view runs under WSGI, {servers.PLAIN_THREADS} threads in each of {servers.WORKERS} workers, "
            "what suits it best; it does less than ours (no pausing, deep links, targeting or refusals).",
        ]


def stored_is_answered(name: str, load: Load, stored: int) -> Check:
    """Nothing answered is missing; beyond that only requests that were cut off at the end may be stored."""
    over = stored - load.answered
    detail = f"{stored:,} stored, {load.answered:,} answered"
    if load.in_flight:
        detail += f" ({over} of at most {load.in_flight} cut off before their answer)" if over >= 0 else ""
    return Check(f"{name}: stored = answered", 0 <= over <= load.in_flight, detail)
