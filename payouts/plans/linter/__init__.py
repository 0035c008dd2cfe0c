"""Errors in a version's rules (`problems_of_rules`), and findings to check before publishing (`findings`).

Checks that differ by kind of commission are part of the kind.
"""

from payouts.plans.linter.findings import GAP, HINT, OVERLAP, Finding, findings, not_shown
from payouts.plans.linter.problems import problems_of_rules

__all__ = ["GAP", "HINT", "OVERLAP", "Finding", "problems_of_rules", "findings", "not_shown"]
