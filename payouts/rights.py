"""The right to view commission: one permission for every page, export and API answer that shows it."""

from affiliates.models import User
from records.translation import gettext_lazy as _

VIEW_LEDGER = "payouts.view_ledgerentry"
# The text shown in place of an amount that the reader may not see.
HIDDEN = _("Shown with the permission to view ledger entries.")


def sees_commission(user: User) -> bool:
    return user.has_perm(VIEW_LEDGER)
