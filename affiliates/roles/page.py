"""The roles as a page of the documentation."""

from collections.abc import Iterable, Sequence

from affiliates.roles.actions import ACTIONS, MEMBER_ACTIONS, Action
from affiliates.roles.table import ADMINISTRATOR, MEMBER_ROLES, ROLES, Role
from records.translation import in_english

_HEAD = """# Roles

What a person may do comes from roles. This page is generated from `affiliates/roles/table.py` by
`python manage.py roles`; the panel shows the same under *Roles*.

## Operators

An administrator gives roles, on the person's page under *Users*. A person may have several: what each allows adds up. A
person without a role is no operator. Which permissions an action stands for is in `affiliates/roles/actions.py`; what
they open is in [permissions](permissions.md).

"""
_MIDDLE = """
An affiliate manager sees the affiliates assigned to them and nothing of others: in lists, pages, counters, searches,
exports, files and the API. Affiliates are assigned on the affiliate's page, on the person's page, or for many at once
by the action *Assign a manager* of the list. An affiliate that a manager adds is assigned to that manager.

With several roles each action reaches as far as the widest role that has it: a manager who is also an auditor reads
everything and changes only what belongs to the assigned affiliates.

### Roles of your own

Under *Roles* an administrator combines roles and single actions under a new name, such as a night shift: support, and
handling postbacks. Such a role may be for assigned affiliates only.

## Members of an affiliate

Each role is for the rows of the member's own affiliate alone. It is given on the affiliate's page, under *Members*. The
portal and the API ask for the same actions.

"""


def roles_page() -> str:
    """The page's Markdown: each role in words, and a table of actions by role."""
    operators = _words([ADMINISTRATOR, *ROLES]) + "\n" + _table(ACTIONS, [ADMINISTRATOR, *ROLES])
    members = _words(MEMBER_ROLES) + "\n" + _table(MEMBER_ACTIONS, MEMBER_ROLES)
    return _HEAD + operators + _MIDDLE + members


def _words(roles: Iterable[Role]) -> str:
    return "".join(f"- **{in_english(role.title)}**: {in_english(role.words)}\n" for role in roles)


def _table(actions: Iterable[Action], roles: Sequence[Role]) -> str:
    titles = " | ".join(in_english(role.title) for role in roles)
    lines = [f"| action | {titles} |", "| --- |" + " --- |" * len(roles)]
    for action in actions:
        marks = " | ".join(_mark(action, role) for role in roles)
        lines.append(f"| {in_english(action.words)} | {marks} |")
    return "\n".join(lines) + "\n"


def _mark(action: Action, role: Role) -> str:
    if action not in role.actions:
        return "–"
    return "assigned" if role.only_assigned else "yes"
