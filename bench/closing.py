"""Closing a period: how many affiliates a second get their statements and payouts, and whether the sums are right."""

from collections.abc import Callable

from bench.installation import Installation
from bench.options import Options
from bench.results import Check, Report, Sample, cost_ratio, ratio

# What the ledger holds at the end of the period, added up by PostgreSQL, beside the newest statement of each account.
BALANCES = """
WITH ledger AS (
    SELECT affiliate_id, currency, sum(amount) AS amount FROM payouts_ledgerentry WHERE booked_at < %s GROUP BY 1, 2
), stated AS (
    SELECT DISTINCT ON (affiliate_id, currency) affiliate_id, currency, closing FROM payouts_statement
    ORDER BY affiliate_id, currency, ends_at DESC
)
SELECT count(*) FILTER (WHERE ledger.amount IS DISTINCT FROM stated.closing), count(*)
FROM ledger FULL JOIN stated USING (affiliate_id, currency)
"""
# Statements that do not begin where the one before ended, or carry over another sum.
BREAKS = """
SELECT count(*) FILTER (
    WHERE first_sequence <> coalesce(last_before, 0) + 1 OR opening <> coalesce(closing_before, 0)
), count(*), count(*) FILTER (WHERE last_before IS NOT NULL)
FROM (
    SELECT first_sequence, opening, lag(last_sequence) OVER account AS last_before,
           lag(closing) OVER account AS closing_before
    FROM payouts_statement WINDOW account AS (PARTITION BY affiliate_id, currency ORDER BY ends_at)
) statement
"""
# No payout was paid in this data set: all payouts of an account, and amounts on hold, are within its last balance.
PAYOUTS = """
SELECT count(*) FILTER (WHERE payouts.amount + stated.held > greatest(stated.closing, stated.held)), count(*)
FROM (SELECT affiliate_id, currency, sum(amount) AS amount FROM payouts_payout GROUP BY 1, 2) payouts
JOIN (
    SELECT DISTINCT ON (affiliate_id, currency) affiliate_id, currency, closing, held FROM payouts_statement
    ORDER BY affiliate_id, currency, ends_at DESC
) stated USING (affiliate_id, currency)
"""
Say = Callable[[str], None]


class Closing:
    """The benchmark; `run` gives its report."""

    title = "Closing: affiliates with statements and payouts for a period"

    def __init__(self, site: Installation, options: Options, say: Say) -> None:
        self.site, self.options, self.say = site, options, say
        self.report = Report("closing", self.title)

    def run(self) -> Report:
        """Make accounts, close a period both ways in turns, then check the sums."""
        options, report, affiliates = self.options, self.report, self.options.affiliates
        conversions = 5 * affiliates
        self.site.inside("world", affiliates=affiliates, links=affiliates)
        self.site.inside("conversions", progress=self.say, count=conversions)
        self.site.as_owner("VACUUM ANALYZE")
        self.site.settle()
        found = self.site.inside(
            "closing", progress=self.say, rounds=options.rounds, postgres=self.site.postgres.pid,
            sample=max(1, min(options.sample, affiliates // 10) // options.rounds),
        )  # fmt: skip
        for done in found["done"]:
            sample = Sample(done["rate"], done["cpu_ms"], others=done["others"])
            report.row(done["way"], "in process", "affiliates").samples.append(sample)
        self._check(found["ends_at"], found["affiliates"])
        blocks, ones = (report.row(way, "in process", "") for way in ("in blocks", "one by one"))
        report.ratios.append(ratio("in blocks to one by one", blocks, ones))
        report.ratios.append(cost_ratio("processor time of one by one to blocks", ones, blocks))
        report.notes.append(
            f"{found['affiliates']:,} of {affiliates:,} affiliates had something to close, of {conversions:,} "
            "conversions in three currencies, after a period that was closed before; minimum, fee, hold and rates. "
            f"The process held at most {found['peak_megabytes']:.0f} MB, {found['began_with_megabytes']:.0f} MB before "
            "this close."
        )
        return report

    def _check(self, ends_at: str, affiliates: int) -> None:
        """Compare statements and payouts with the current ledger."""
        wrong, sums = self.site.query(BALANCES, ends_at)[0]
        broken, statements, later = self.site.query(BREAKS)[0]
        beyond, payouts = self.site.query(PAYOUTS)[0]
        closed = self.site.query(
            "SELECT count(DISTINCT affiliate_id) FROM payouts_statement WHERE ends_at = %s", ends_at
        )
        self.report.checks += [
            Check("closing balances equal the ledger's sums", wrong == 0 < sums, f"{sums:,} accounts, {wrong} wrong"),
            Check(
                "each statement goes on where the last one ended", broken == 0 < later,
                f"{statements:,} statements, {later:,} after another, {broken} broken",
            ),
            Check("no payout beyond its account", beyond == 0 < payouts, f"{payouts:,} accounts, {beyond} beyond"),
            Check("everybody is closed", closed[0][0] == affiliates, f"{closed[0][0]:,} of {affiliates:,} affiliates"),
        ]  # fmt: skip
