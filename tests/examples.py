"""How many examples the property tests try: a fifth in `make test`, all of them in `make test-long`.

HYPOTHESIS_PROFILE says which: "quick" (without it), "thorough", or "default", which looks for new ones.
"""

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")


def examples(full: int) -> int:
    return min(full, max(10, full // 5)) if PROFILE == "quick" else full
