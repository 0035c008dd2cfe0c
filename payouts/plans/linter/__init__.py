"""Errors in a version's rules (`faults`), and findings to check before publishing (`findings`).

Checks that differ by kind of commission are part of the kind.
"""

from payouts.plans.linter.faults import faults_of_rules
from payouts.plans.linter.findings import GAP, HINT, OVERLAP, Finding, findings, not_shown

__all__ = ["GAP", "HINT", "OVERLAP", "Finding", "faults_of_rules", "findings", "not_shown"]
