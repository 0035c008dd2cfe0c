"""Booking: how many conversions a second reach the ledger, in how much memory, and whether the sums are right."""

from collections.abc import Callable

from bench.installation import Installation
from bench.options import Options
from bench.results import Aim, Check, Report, Sample, ratio

AFFILIATES = 200
# What is owed by the rules, worked out by PostgreSQL from conversions and rules alone. An amount that comes to zero
# is owed to no one: the ledger has no lines of zero.
OWED = """
SELECT c.id, c.affiliate_id, coalesce(nullif(r.currency, ''), c.currency) AS currency,
       coalesce(r.amount, round(c.revenue * r.percent * 0.01, CASE c.currency WHEN 'JPY' THEN 0 ELSE 2 END)) AS amount
FROM conversions_conversion c JOIN payouts_commissionrule r ON r.goal_id = c.goal_id WHERE c.status = 'approved'
"""
DIFFERENCES = f"""
WITH owed AS (SELECT affiliate_id, currency, sum(amount) AS amount FROM ({OWED}) line WHERE amount <> 0 GROUP BY 1, 2),
booked AS (SELECT affiliate_id, currency, sum(amount) AS amount FROM payouts_ledgerentry GROUP BY 1, 2)
SELECT count(*) FILTER (WHERE owed.amount IS DISTINCT FROM booked.amount), count(*), coalesce(sum(booked.amount), 0)
FROM owed FULL JOIN booked USING (affiliate_id, currency)
"""  # nosec B608 # names of our own, values are parameters
CHAINS = """
SELECT count(*) FILTER (WHERE entries <> last OR last IS DISTINCT FROM head.sequence), count(*)
FROM (SELECT affiliate_id, count(*) AS entries, max(sequence) AS last FROM payouts_ledgerentry GROUP BY 1) chain
LEFT JOIN payouts_ledgerhead head USING (affiliate_id)
"""
# Conversions still due; those that earn something; lines of the ledger, and the conversions that these are about.
COUNTS = f"""
SELECT (SELECT count(*) FROM conversions_conversion WHERE booked_at IS NULL),
       (SELECT count(*) FROM ({OWED}) line WHERE amount <> 0),
       (SELECT count(*) FROM payouts_ledgerentry),
       (SELECT count(DISTINCT conversion_id) FROM payouts_ledgerentry)
"""  # nosec B608 # names of our own, values are parameters
Say = Callable[[str], None]


class Booking:
    """The benchmark; `run` gives its report."""

    title = "Booking: conversions priced and appended to the ledger"

    def __init__(self, site: Installation, options: Options, say: Say) -> None:
        self.site, self.options, self.say = site, options, say
        self.report = Report("booking", self.title)

    def run(self) -> Report:
        """Make conversions, book them both ways in turns, then check the sums."""
        options, report = self.options, self.report
        self.site.inside("world", affiliates=AFFILIATES, links=2 * AFFILIATES)
        self.site.inside("conversions", progress=self.say, count=options.conversions)
        self.site.as_owner("VACUUM ANALYZE conversions_conversion")
        self.site.settle()
        found = self.site.inside(
            "booking", progress=self.say, conversions=options.conversions, rounds=options.rounds,
            sample=min(options.sample, max(1, options.conversions // (2 * options.rounds))),
            postgres=self.site.postgres.pid,
        )  # fmt: skip
        for done in found["done"]:
            sample = Sample(done["rate"], done["cpu_ms"], others=done["others"])
            report.row(done["way"], "in process", "conversions").samples.append(sample)
        self._check()
        sets, ones, priced = (report.row(way, "in process", "") for way in ("set by set", "one by one", "priced again"))
        report.ratios.append(ratio("set by set to one by one", sets, ones))
        report.aims.append(Aim("conversions priced per second", priced.rate, "", 20_000, reach=True))
        report.aims.append(Aim("peak memory of the process", found["peak_megabytes"], "MB", 500))
        report.notes.append(
            f"{options.conversions:,} conversions of {AFFILIATES} affiliates in three currencies, two kinds of rule. "
            f"The process held {found['began_with_megabytes']:.0f} MB before it began. `Priced again` reads and prices "
            "all of them without writing."
        )
        return report

    def _check(self) -> None:
        """Compare the ledger with an independent recomputation."""
        wrong, sums, total = self.site.query(DIFFERENCES)[0]
        detail = f"{sums} sums by affiliate and currency, {wrong} of them wrong (booked in all: {total:,.2f})"
        broken, chains = self.site.query(CHAINS)[0]
        due, earning, entries, booked = self.site.query(COUNTS)[0]
        lines = f"{earning:,} conversions earn something; {entries:,} lines about {booked:,} conversions"
        self.report.checks += [
            Check("balances equal a recomputation by SQL", wrong == 0 < sums, detail),
            Check("each conversion that earns booked once", earning == entries == booked, lines),
            Check("nothing is left due", due == 0, f"{due:,} conversions due"),
            Check("numbers without gaps", broken == 0 < chains, f"{chains} chains, {broken} of them broken"),
        ]
