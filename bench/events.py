"""Events: what they add to the cost of a conversion and of a ledger entry, and how fast a reader gets them."""

from collections.abc import Callable

from bench.installation import Installation
from bench.options import Options
from bench.results import Check, Report, Sample, cost_ratio

ROWS, QUICK_ROWS = 20_000, 1_000
# Every conversion that was made, and its event.
COUNTS = """
SELECT (SELECT count(*) FROM conversions_conversion),
       (SELECT count(*) FROM records_event WHERE kind = 'conversion.created')
"""
WITH, WITHOUT = "with events", "without events"
Say = Callable[[str], None]


class Events:
    """The benchmark; `run` gives its report."""

    title = "Events: written by triggers, read by cursors"

    def __init__(self, site: Installation, options: Options, say: Say) -> None:
        self.site, self.options, self.say = site, options, say
        self.report = Report("events", self.title)

    def run(self) -> Report:
        options, report = self.options, self.report
        rows = QUICK_ROWS if options.quick else ROWS
        self.site.inside("world", affiliates=20, links=40)
        self.site.inside("conversions", progress=self.say, count=rows)
        self.site.as_owner("VACUUM ANALYZE")
        self.site.settle()
        found = self.site.inside(
            "events", progress=self.say, rounds=options.rounds, rows=rows, postgres=self.site.postgres.pid
        )
        for done in found["done"]:
            unit = "events" if done["way"] == "read" else "rows"
            sample = Sample(done["rate"], done["cpu_ms"], others=done["others"])
            report.row(done["way"], "in process", unit).samples.append(sample)
        for table in ("conversions", "ledger entries"):
            dearer, cheaper = (report.row(f"{table}, {way}", "in process", "") for way in (WITH, WITHOUT))
            report.ratios.append(cost_ratio(f"processor time of {table}, with events to without", dearer, cheaper))
        conversions, events = self.site.query(COUNTS)[0]
        detail = f"{conversions:,} conversions, {events:,} events"
        report.checks.append(Check("each conversion has its event", conversions == events > 0, detail))
        report.notes.append(
            f"{rows:,} rows in batches of 200, inserted and rolled back. Processor time is that of the process and of "
            "PostgreSQL. Without events, the triggers return at once."
        )
        return report
