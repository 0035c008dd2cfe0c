"""The kind of commission that docs/how-to/add-a-commission-kind.md adds, as that page has it."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import CheckConstraint

from payouts.models import CommissionRule
from payouts.models.plans import has_its_price
from payouts.pricing.kind import CommissionKind
from payouts.pricing.kinds import KINDS, checked
from payouts.verification.independent.kinds import KINDS as SECOND_KINDS

PAGE = Path(settings.BASE_DIR) / "docs" / "how-to" / "add-a-commission-kind.md"


def files_of_the_page() -> dict[str, str]:
    """The Python files that the page names, by path."""
    found = re.findall(r"^## \d\. [^`\n]*`([\w/]+\.py)`\n\n```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    return dict(found)


def kind_of_the_page() -> type[CommissionKind]:
    module = ModuleType("payouts.pricing.kinds.every_nth")
    exec(files_of_the_page()["payouts/pricing/kinds/every_nth.py"], vars(module))  # noqa: S102 # our own page
    return module.EveryNth


def second_of_the_page() -> ModuleType:
    """The file that prices the kind a second time."""
    module = ModuleType("payouts.verification.independent.kinds.every_nth")
    exec(files_of_the_page()["payouts/verification/independent/kinds/every_nth.py"], vars(module))  # noqa: S102
    return module


def add_kind(kind: type[CommissionKind], patch: pytest.MonkeyPatch, second: ModuleType | None = None) -> None:
    """Put the kind into the tables, and the constraint that the table makes into the database of this test."""
    patch.setitem(KINDS, kind.code, checked(kind))
    if second:
        patch.setitem(SECOND_KINDS, second.CODE, second)
    [before] = [each for each in CommissionRule._meta.constraints if each.name == "rule_has_its_price"]
    with connection.schema_editor() as editor:
        editor.remove_constraint(CommissionRule, before)
        editor.add_constraint(CommissionRule, CheckConstraint(name=before.name, condition=has_its_price()))
