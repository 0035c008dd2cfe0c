"""The states of a consent as people read them."""

from records.translation import gettext_lazy as _

CONSENT_WORDS = {
    "": _("nothing said"),
    "granted": _("granted"),
    "limited": _("granted, not to be passed on"),
    "denied": _("denied"),
    "not_required": _("not required"),
    "unknown": _("unknown: treated as denied"),
}
