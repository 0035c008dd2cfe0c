"""Postbacks: how many a second are stored, attributed, deduplicated and answered; and events in bulk."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode

from bench import servers
from bench.cost import Watch
from bench.generator import Plan
from bench.installation import Installation
from bench.load import Load, by_generator
from bench.options import Options
from bench.results import Aim, Check, Report, Sample, cost_ratio, ratio
from bench.servers import WebServer
from bench.statements import statements_each
from bench.stored import store

BATCHES = (200, 1000)
CLICKS, QUICK_CLICKS = 20_000, 500
EVENT = (
    "/postback?click_id={{value}}&txid={run}-{{n}}&event_type=ftd&revenue=80.00&currency=EUR&customer_id={run}-{{n}}"
)
HEADERS = ["User-Agent: casino-backend/3.2"]
WARM_UP, QUICK_WARM_UP = 1.0, 0.2
BULK_PATH = "/api/v1/conversions/bulk"
BULK_EVENT = {
    "click_id": "{value}", "txid": "{run}-{n}", "event_type": "ftd", "revenue": "80.00", "currency": "EUR",
    "customer_id": "{run}-{n}",
}  # fmt: skip
# Events in one request of the bulk API, and how many senders use it at once, where it is not one alone.
BULK, QUICK_BULK, BULK_SENDERS = 1_000, 50, 4
BULK_ALONE, BULK_FULL = "bulk, one sender", f"bulk, {BULK_SENDERS} senders"
GROWN = "grown"
# A sender that waits for each answer before it sends the next: nothing to gather into batches.
ONE_SENDER = "one sender"
# Of a lone postback, from its arrival to the answer, with BEGIN and COMMIT.
MOST_STATEMENTS = 8
ONE_BY_ONE, IN_BATCHES = "one by one through the ORM", "in batches of {:,}"
# All that a run of events must have left behind, each event once.
LEFT = """
SELECT count(*), count(DISTINCT c.customer_id), count(*) FILTER (WHERE c.status = 'approved'),
       (SELECT count(*) FROM conversions_statuschange s WHERE s.conversion_id BETWEEN min(c.id) AND max(c.id)),
       (SELECT count(*) FROM conversions_trace t WHERE t.conversion_id BETWEEN min(c.id) AND max(c.id)),
       (SELECT count(*) FROM conversions_postback p WHERE p.conversion_id BETWEEN min(c.id) AND max(c.id)
        AND p.decided_at IS NOT NULL)
FROM conversions_conversion c WHERE c.transaction_id >= %s || '-' AND c.transaction_id < %s || '.'
"""
# Cases that both implementations must decide alike: the parameters sent for a click, and the outcome with its reason.
PROBES = {
    "accepted": ("txid={run}a&event_type=ftd&revenue=80&customer_id={run}a", "accepted/ok"),
    "repeated": ("txid={run}a&event_type=ftd&revenue=80&customer_id={run}a", "duplicate/duplicate"),
    "a customer's second": ("txid={run}b&event_type=ftd&revenue=80&customer_id={run}a", "rejected/not_first"),
    "below the minimum": ("txid={run}c&event_type=ftd&revenue=5&customer_id={run}c", "rejected/below_minimum"),
    "too late": (
        "click_id={old}&txid={run}d&event_type=ftd&revenue=80&customer_id={run}d",
        "rejected/outside_window",
    ),
    "without revenue": ("txid={run}e&event_type=ftd&customer_id={run}e", "invalid/missing_revenue"),
    "an unknown goal": ("txid={run}f&event_type=nosuch", "invalid/unknown_goal"),
    "a false click ID": ("txid={run}g&event_type=purchase&click_id=x", "unknown_click/unknown_click"),
    "a false token": ("txid={run}h&event_type=purchase&token=x", "unauthorized/bad_token"),
}
Say = Callable[[str], None]


class Postbacks:
    """The benchmark; `run` gives its report."""

    title = "Postbacks: stored, attributed, deduplicated, answered"

    def __init__(self, site: Installation, options: Options, say: Say) -> None:
        self.site, self.options, self.say = site, options, say
        self.report = Report("postbacks", self.title)

    def run(self) -> Report:
        """Ask both servers the same, measure them in turns, then events in bulk, then say how they compare."""
        world = self.site.inside("world", affiliates=20, links=100)
        self.token, self.clicks = world["token"], self.site.home / "clicks.txt"
        count = QUICK_CLICKS if self.options.quick else CLICKS
        self.say(f"storing {count:,} clicks")
        found = self.site.inside("clicks", count=count, link_ids=world["link_ids"], path=str(self.clicks))
        self.old_click = found["old"]
        compared = self._start()
        for server in compared:
            self.say(f"warming up: {server.name}")
            self._check_rules(server)
            if server.database == GROWN:
                self._fill(server)
            self._load(server, f"warm{server.port}", "full", QUICK_WARM_UP if self.options.quick else WARM_UP)
        for turn in range(self.options.rounds):
            for server in compared:
                self.say(f"round {turn + 1} of {self.options.rounds}, full load: {server.name}")
                self._measure(server, turn, "full")
        for turn in range(self.options.rounds):
            for server in [server for server in compared if server.database != GROWN]:
                self.say(f"round {turn + 1} of {self.options.rounds}, half load: {server.name}")
                self._measure(server, turn, "half")
        ours, plain = compared[0], compared[-1]
        for turn in range(self.options.rounds):
            for server, kind in ((ours, ONE_SENDER), (plain, ONE_SENDER), (ours, BULK_ALONE), (ours, BULK_FULL)):
                self.say(f"round {turn + 1} of {self.options.rounds}, {kind}: {server.name}")
                self._measure(server, turn, kind)
        for server in (ours, plain):
            self._count_statements(server)
        for server in compared:
            self.site.stop(server.daemon)
        self.site.drop_database(GROWN)
        self._measure_bulk()
        self._compare()
        return self.report

    def _start(self) -> list[WebServer]:
        """Start the servers; the one whose tables have grown has a copy of the database."""
        self.say("starting the web servers")
        if self.options.stored:
            self.site.drop_database(GROWN)
            self.site.copy_database(GROWN)
        found = [servers.affidavit(self.site), servers.plain_django(self.site)]
        if self.options.stored:
            found.insert(1, servers.affidavit(self.site, self._grown_name, GROWN))
        return found

    @property
    def _grown_name(self) -> str:
        return f"Affidavit, {self.options.stored:,} stored"

    def _fill(self, server: WebServer) -> None:
        """Copy the event that the rules were tried with."""
        self.report.checks += store(
            self.site, database=GROWN, rows=self.options.stored, transaction_id=f"probe{server.port}a", say=self.say
        )

    def _check_rules(self, server: WebServer) -> None:
        """Both must decide the same, or one of them does less work than the other."""
        usual, wrong = {"click_id": self.clicks.read_text().split()[0], "token": self.token}, []
        for name, (sent, expected) in PROBES.items():
            fields = {**usual, **dict(parse_qsl(sent.format(old=self.old_click, run=f"probe{server.port}")))}
            answer = servers.get(server.port, f"/postback?{urlencode(fields)}")
            reply = json.loads(answer.text)
            if f"{reply['outcome']}/{reply['reason']}" != expected:
                wrong.append(f"{name}: {reply['outcome']}/{reply['reason']} in place of {expected}")
        detail = "; ".join(wrong) or f"{len(PROBES)} kinds of request are decided as they should be"
        self.report.checks.append(Check(f"{server.name}: the same rules", not wrong, detail))

    def _load(self, server: WebServer, run: str, kind: str, seconds: float, rate: float | None = None) -> Load:
        plan = Plan(
            port=server.port,
            targets=[f"{EVENT.format(run=run)}&token={self.token}"],
            seconds=seconds,
            connections={ONE_SENDER: 1, BULK_ALONE: 1, BULK_FULL: BULK_SENDERS}.get(kind, self.options.connections),
            headers=HEADERS,
            rate=rate,
            values_file=str(self.clicks),
        )
        return self._load_in_bulk(plan, run) if kind in (BULK_ALONE, BULK_FULL) else by_generator(plan)

    def _load_in_bulk(self, plan: Plan, run: str) -> Load:
        """Many events per request; the answers counted are events."""
        load = by_generator(
            replace(
                plan,
                targets=[BULK_PATH],
                headers=[*HEADERS, f"Authorization: Bearer {self.token}"],
                event=json.dumps(BULK_EVENT).replace("{run}", run),
                batch=QUICK_BULK if self.options.quick else BULK,
            )
        )
        return replace(load, answered=sum(load.outcomes.values()))

    def _measure(self, server: WebServer, turn: int, kind: str) -> None:
        """Load one server with new events and check the stored rows."""
        rate = self.report.row(server.name, "full", "").rate / 2 if kind == "half" else None
        run = f"{kind.replace(' ', '').replace(',', '')}{turn}p{server.port}"
        self.site.settle()
        with Watch([server.pid, self.site.postgres.pid or 0]) as watch:
            load = self._load(server, run, kind, self.options.seconds, rate)
        cpu_ms = watch.ours / load.answered * 1000 if load.answered else None
        sample = Sample(load.rate, cpu_ms, load.p50_ms, load.p99_ms, watch.others)
        self.report.row(server.name, kind, "postbacks").samples.append(sample)
        accepted = load.outcomes.get("accepted", 0)
        detail = (
            f"{accepted:,} of {load.answered:,} accepted, {load.refused} refused, {load.failures} without an answer"
        )
        good = accepted == load.answered > 0 and not load.refused and not load.failures
        self.report.checks.append(Check(f"{server.name}, {kind} load: all accepted", good, detail))
        self._check_left(f"{server.name}, {kind} load", run, load.answered, server.database)

    def _count_statements(self, server: WebServer) -> None:
        """Count the statements of new events that are sent one after the other."""
        clicks, numbers = self.clicks.read_text().split(), count()

        def send() -> None:
            number = next(numbers)
            target = EVENT.format(run=f"counted{server.port}").replace("{n}", str(number))
            servers.get(server.port, f"{target.replace('{value}', clicks[number])}&token={self.token}")

        send()  # The first after a pause also checks its connection.
        taken = statements_each(self.site, send)
        aim = MOST_STATEMENTS if server.name == "Affidavit" else None
        name = f"{server.name}: statements of a lone postback"
        self.report.aims.append(Aim(name, taken, "", aim))

    def _check_left(self, name: str, run: str, events: int, database: str = "") -> None:
        left = self.site.query(LEFT, run, run, database=database)[0]
        self.report.checks.append(each_left_once(name, events, left))

    def _measure_bulk(self) -> None:
        """The same events without HTTP: through intake in batches, and one by one as plain code would."""
        found = self.site.inside(
            "intake", progress=self.say, rounds=self.options.rounds, seconds=self.options.seconds, batches=BATCHES,
            token=self.token, clicks=str(self.clicks), postgres=self.site.postgres.pid,
        )  # fmt: skip
        for done in found["done"]:
            self._keep_bulk(done)

    def _keep_bulk(self, done: dict[str, Any]) -> None:
        batch, sent = done["batch"], done["sent"]
        name = IN_BATCHES.format(batch) if batch else ONE_BY_ONE
        sample = Sample(done["rate"], done["cpu_ms"], others=done["others"])
        self.report.row(name, "in process", "postbacks").samples.append(sample)
        good = done["accepted"] == sent
        detail = f"{done['accepted']:,} of {sent:,} accepted"
        self.report.checks.append(Check(f"{name}: all accepted", good, detail))
        self._check_left(name, done["run"], sent)

    def _compare(self) -> None:
        report = self.report
        ours, plain = report.row("Affidavit", "full", ""), report.row("plain Django view", "full", "")
        one_by_one = report.row(ONE_BY_ONE, "in process", "")
        report.ratios.append(ratio("one event a request, to a plain Django view", ours, plain, 15))
        report.ratios.append(cost_ratio("processor time of the plain view to ours", plain, ours))
        if self.options.stored:
            grown = report.row(self._grown_name, "full", "")
            report.ratios.append(ratio(f"{self.options.stored:,} stored, to hardly any", grown, ours, 0.9))
        alone, plain_alone = report.row("Affidavit", ONE_SENDER, ""), report.row(plain.name, ONE_SENDER, "")
        name = "processor time of the plain view to ours, one sender each"
        report.ratios.append(replace(cost_ratio(name, plain_alone, alone), target=3))
        bulk_alone, bulk_full = report.row("Affidavit", BULK_ALONE, ""), report.row("Affidavit", BULK_FULL, "")
        report.ratios.append(ratio("bulk API, to the same sender's single requests", bulk_alone, alone, 5))
        report.ratios.append(cost_ratio("processor time of a single request to an event in bulk", alone, bulk_alone))
        name = f"bulk API, {BULK_SENDERS} senders, to {self.options.connections} senders' single requests, gathered"
        report.ratios.append(ratio(name, bulk_full, ours))
        for batch in BATCHES:
            bulk, name = report.row(IN_BATCHES.format(batch), "in process", ""), f"in batches of {batch:,}"
            aim = 30 if batch == max(BATCHES) else None
            report.ratios.append(ratio(f"{name}, to one by one through the ORM", bulk, one_by_one, aim))
        report.notes += [
            f"Bulk: {BULK:,} events a request. The single-request rate that it is held against is that of a sender who "
            "waits for each answer before the next request, which is what a sender has without bulk. The requests of "
            "many senders at once the server gathers into batches by itself, so bulk gains little over those.",
            f"{self.options.connections} connections, by our own generator, which reads every answer and shares the "
            "cores with what it measures. Every event is new, for a new customer, with the ID of a stored click.",
            f"The plain view runs under WSGI, {servers.PLAIN_THREADS} threads in each of {servers.WORKERS} workers, "
            "what suits it best. In process there is one process, so one core and PostgreSQL's.",
        ]


def each_left_once(name: str, events: int, left: tuple[int, ...]) -> Check:
    """Every answered event left one conversion, customer, status change, trace and decided request."""
    words = ("conversions", "customers", "approved", "status changes", "traces", "decided requests")
    detail = f"{events:,} events; " + ", ".join(f"{found:,} {word}" for found, word in zip(left, words, strict=True))
    return Check(f"{name}: each counted once", all(found == events for found in left), detail)
