"""What is wrong with the rules of a version (`faults`), and what to know of them before publishing (`findings`).

What differs by kind of commission is asked of the kind.
"""

from payouts.plans.linter.faults import faults_of_rules
from payouts.plans.linter.findings import GAP, HINT, OVERLAP, Finding, findings, not_shown

__all__ = ["GAP", "HINT", "OVERLAP", "Finding", "faults_of_rules", "findings", "not_shown"]
