"""Why a text names nothing: forged or damaged click IDs, placeholders, and unknown IDs."""

import re
import time
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Max
from django.utils.translation import gettext

from conversions.models import Postback
from records.translation import gettext_lazy as _
from tracking.click_id.codec import LENGTH, keys, text_of
from tracking.models import Click

# How far back postbacks are searched for a text that no index knows, and how many are shown.
SENT_BOUND = 20_000
MOST_SENT = 50

_LIKE_A_CLICK_ID = re.compile(r"^[0-9a-z]{26,60}$", re.IGNORECASE)
# Letters that base32hex does not use.
_FOREIGN = re.compile(r"[w-z]", re.IGNORECASE)
_FIRST_CLICKS = 1_577_836_800  # 2020: no click ID is older, imported ones included.
_PLACEHOLDER = re.compile(r"^(\{.*\}|\[.*\]|#.*#|\$\{.*\}|%7B.*%7D|<.*>)$", re.IGNORECASE)

PLACEHOLDER = _(
    "This is a placeholder, not an ID: the sending system did not replace it with its value. "
    "The macro has to be written in that system's own notation."
)
UNKNOWN = _(
    "No click, transaction, customer, postback or conversion has this ID. Transaction and customer IDs must be typed "
    "exactly as the advertiser sends them, capitals included."
)
CHANGED = _(
    "It has the form of a click ID, but the signature does not match: "
    "at least one character was changed, or it was made up."
)


@dataclass(frozen=True, slots=True)
class RefusedText:
    """In words why a text is no ID, the recent postbacks that sent it, and the genuine ID that was probably meant."""

    kind: str
    title: str
    text: str
    postbacks: tuple[int, ...] = ()
    meant: str = ""


def explain_refused(text: str) -> RefusedText:
    """Say why the text names nothing; three queries at most."""
    sent = _postbacks_that_sent(text)
    if _PLACEHOLDER.match(text):
        return RefusedText("nothing", gettext("An unresolved macro"), PLACEHOLDER + _sent_words(sent), sent)
    if _LIKE_A_CLICK_ID.match(text) and (len(text) == LENGTH or _time_is_plausible(text)):
        title, words, meant = _not_genuine(text)
        return RefusedText("forged", title, words + _sent_words(sent), sent, meant)
    title = gettext("Sent, but never understood") if sent else gettext("Unknown")
    return RefusedText("nothing", title, UNKNOWN + _sent_words(sent), sent)


def _not_genuine(text: str) -> tuple[str, str, str]:
    """Title, explanation, and the stored click whose first part this is."""
    raw = _leading_bytes(text[:LENGTH])
    key = UUID(bytes=raw[:16]) if len(raw) >= 16 else None
    meant = text_of(key) if key and Click.objects.filter(pk=key).exists() else ""
    also = (
        gettext(" Its first part is that of a stored click, so the end was probably damaged on the way.")
        if meant
        else ""
    )
    if foreign := "".join(sorted(set(_FOREIGN.findall(text)))):
        words = gettext("It looks like a click ID, but none contains {names}: it was changed or made up.{also}").format(
            names=" or ".join(foreign), also=also
        )
        return gettext("Not a genuine click ID"), words, meant
    if len(text) != LENGTH:
        how = gettext("cut off") if len(text) < LENGTH else gettext("lengthened")
        words = gettext(
            "A click ID has {length} characters and this has {number_of_text}: it was {how} on the way.{also}"
        ).format(length=LENGTH, number_of_text=len(text), how=how, also=also)
        return gettext("A click ID of the wrong length"), words, meant
    if raw[16] not in keys():
        words = gettext(
            "It says that key number {raw} signed it, and no such key is listed in CLICK_ID_KEYS. "
            "Either it was forged, or the key was taken off the list too early.{also}"
        ).format(raw=raw[16], also=also)
        return gettext("A click ID signed with an unknown key"), words, meant
    return gettext("Not a genuine click ID"), CHANGED + also, meant


def _time_is_plausible(text: str) -> bool:
    """Whether its time could be a click's: this distinguishes a cut-off click ID from another ID of such letters."""
    moment = int.from_bytes(_leading_bytes(text[:LENGTH])[:6], "big") / 1000
    return _FIRST_CLICKS < moment < time.time() + 86_400


def _leading_bytes(text: str) -> bytes:
    """The whole bytes that its letters hold up to the first foreign one: base32hex counts in the digits of base 32."""
    letters = _FOREIGN.split(text)[0]
    bits = 5 * len(letters)
    return (int(letters or "0", 32) >> bits % 8).to_bytes(bits // 8, "big")


def _postbacks_that_sent(text: str) -> tuple[int, ...]:
    """Recent postbacks with this text as the value of any parameter, the newest first."""
    newest = Postback.objects.aggregate(newest=Max("pk"))["newest"] or 0
    rows = Postback.objects.filter(pk__gt=newest - SENT_BOUND, parameters__contains=[[text]])
    return tuple(rows.order_by("-pk").values_list("pk", flat=True)[:MOST_SENT])


def _sent_words(sent: tuple[int, ...]) -> str:
    if not sent:
        return gettext(" None of the last {sent_bound:,} postbacks sent it.").format(sent_bound=SENT_BOUND)
    shown = gettext("it is shown below") if len(sent) == 1 else gettext("they are shown below")
    return gettext(" {number_of_sent} of the last {sent_bound:,} postbacks sent it; {shown}.").format(
        number_of_sent=len(sent), sent_bound=SENT_BOUND, shown=shown
    )
