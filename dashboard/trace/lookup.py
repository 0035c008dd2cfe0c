"""Look up an ID: a click, postback, conversion, transaction or customer, or in words why it is none."""

from dataclasses import dataclass, replace
from uuid import UUID

from django.utils.translation import gettext

from conversions.models import Conversion, Customer, Postback
from dashboard.trace.refused import explain_refused
from tracking.click_id.codec import ClickID, parse, text_of
from tracking.click_id.pasted import click_ids_in, public_ids_in, tokens_in
from tracking.models import Click, LegacyClickID, TrackingLink

# A customer or a transaction may have any number of conversions; the page shows the newest.
MOST = 50
LONGEST_ID = 200
# How many IDs of one sort in a pasted text are looked up.
MOST_NAMED = 5
# What one text may name at once, because others make these IDs; `look_up` takes the first unless one is asked for.
KINDS = ("transaction", "customer", "legacy click")


@dataclass(frozen=True, slots=True)
class LookupChoice:
    """Another thing that the same text names: look it up by this ID, as this kind where one is given."""

    id: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The result of a look-up, in words, and where its story begins."""

    query: str
    kind: str
    title: str
    text: str
    tone: str = "success"
    click: UUID | None = None
    postbacks: tuple[int, ...] = ()
    conversions: tuple[int, ...] = ()
    # A genuine click ID that was probably meant.
    meant: str = ""
    # What else the text names.
    choices: tuple[LookupChoice, ...] = ()

    @property
    def is_known(self) -> bool:
        return bool(self.click or self.postbacks or self.conversions)


def look_up(text: str, kind: str = "") -> LookupResult:
    """Find the object that this text names or contains, in a bounded number of queries for any text.

    `kind` is one of `KINDS`, for a text that names several things; the others are its `choices`.
    """
    text = text.strip()
    if kind in KINDS:
        return _by_sender_ids(text, kind) or _unknown(text)
    if not text:
        return LookupResult(
            text, "nothing", gettext("Nothing to look for"), gettext("Type or paste an ID."), tone="info"
        )
    found = _named(text) if len(text) <= LONGEST_ID else None
    if found and (found.is_known or found.kind == "forged"):
        return found
    return _pasted(text) or found or _unknown(text[:LONGEST_ID])


def _pasted(text: str) -> LookupResult | None:
    """The first thing known that a pasted text names: a genuine click ID, an ID of ours, then one of the sender's."""
    for name in [*click_ids_in(text)[:MOST_NAMED], *public_ids_in(text)[:MOST_NAMED]]:
        named = _named(name)
        if named.is_known and name != text:
            return replace(named, text=f"Found in what was pasted: {name}. {named.text}")
    tokens = [token for token in tokens_in(text) if token != text]
    if not tokens:
        return None
    known = {
        *Conversion.objects.filter(transaction_id__in=tokens).values_list("transaction_id", flat=True)[:MOST],
        *Postback.objects.filter(transaction_id__in=tokens).values_list("transaction_id", flat=True)[:MOST],
        *Customer.objects.filter(customer_id__in=tokens).values_list("customer_id", flat=True)[:MOST],
        *LegacyClickID.objects.filter(foreign_id__in=tokens).values_list("foreign_id", flat=True)[:MOST],
    }
    for name in tokens:
        found = _by_sender_ids(name) if name in known else None
        if found and found.is_known:
            return replace(found, text=f"Found in what was pasted: {name}. {found.text}")
    return None


def _named(text: str) -> LookupResult:
    """The objects that the whole text names."""
    if click := parse(text):
        return _genuine(text, click)
    if text.startswith("pb_"):
        return postback_named(text)
    if text.startswith("cv_"):
        return conversion_named(text)
    if key := _as_uuid(text):
        # Other systems make UUIDs too: a transaction or a foreign click ID may well be one.
        return _by_key(text, key) or _by_sender_ids(text) or _unknown_key(text)
    return _by_sender_ids(text) or _unknown(text)


def postback_named(public_id: str) -> LookupResult:
    row = Postback.objects.filter(public_id=public_id).values("pk", "conversion_id").first()
    if row is None:
        return _missing(public_id, "postback")
    conversions = (row["conversion_id"],) if row["conversion_id"] else ()
    text = gettext("A postback as it was received, and its result.")
    return LookupResult(
        public_id, "postback", gettext("Postback"), text, postbacks=(row["pk"],), conversions=conversions
    )


def conversion_named(public_id: str) -> LookupResult:
    pk = Conversion.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    if pk is None:
        return _missing(public_id, "conversion")
    text = gettext("A conversion, from its click to its commission.")
    return LookupResult(public_id, "conversion", gettext("Conversion"), text, conversions=(pk,))


def _missing(public_id: str, noun: str) -> LookupResult:
    text = gettext(
        "There is no {noun} with this ID. Check that it was copied in full; IDs are written in lower case."
    ).format(noun=noun)
    return LookupResult(public_id, "nothing", gettext("No such {noun}").format(noun=noun), text, tone="danger")


def _genuine(text: str, click: ClickID) -> LookupResult:
    """A click ID whose signature holds, with or without its link and its stored row."""
    known = TrackingLink.objects.select_related("enrollment__affiliate", "enrollment__offer")
    link = known.filter(pk=click.link_number).first()
    made = gettext("made on {made_at:%Y-%m-%d at %H:%M:%S} UTC").format(made_at=click.made_at)
    if link is None:
        words = gettext(
            "The signature is right, so the ID was {made} here or by another installation with the same keys. But its "
            "link, number {link_number}, is not known here: it belongs to another database, such as a copy."
        ).format(made=made, link_number=click.link_number)
        return LookupResult(
            text, "click", gettext("A genuine click ID of an unknown link"), words, tone="warning", click=click.uuid
        )
    where = gettext("through link {link_code} of {affiliate} to {offer}").format(
        link_code=link.code, affiliate=link.enrollment.affiliate, offer=link.enrollment.offer
    )
    if Click.objects.filter(pk=click.uuid).exists():
        return LookupResult(
            text,
            "click",
            gettext("A genuine click ID"),
            gettext("It was {made}, {where}.").format(made=made, where=where),
            click=click.uuid,
        )
    words = gettext(
        "The signature proves that it was {made}, {where}. No click row is stored: it has expired, or it is "
        "still in a spool. Postbacks that name it are attributed anyway, by signature."
    ).format(made=made, where=where)
    return LookupResult(
        text, "click", gettext("A genuine click ID without a stored click"), words, tone="warning", click=click.uuid
    )


def _by_key(text: str, key: UUID) -> LookupResult | None:
    """A plain UUID: genuine when something stored knows it."""
    for rows in (
        Click.objects.filter(pk=key),
        Conversion.objects.filter(click_id=key),
        Postback.objects.filter(click_id=key),
    ):
        if rows.exists():
            return _genuine(text, ClickID(key))
    return None


def _unknown_key(text: str) -> LookupResult:
    words = gettext(
        "No click with this UUID is stored and no postback or conversion names it. A UUID carries no signature, so it "
        "is not known whether it ever was a click; the 40-character click ID would show it."
    )
    return LookupResult(text, "nothing", gettext("An unknown UUID"), words, tone="danger")


def _by_sender_ids(text: str, kind: str = "") -> LookupResult | None:
    """Look up IDs of other systems for a transaction, a customer or a click; further matches become choices."""
    found = [each for each in (_transaction(text), _customer(text), *_legacy_clicks(text)) if each]
    wanted = [each for each in found if not kind or each.kind == kind]
    # A customer without conversions has no story, so another meaning comes first.
    wanted.sort(key=lambda each: not each.is_known)
    if not wanted:
        return None
    return replace(wanted[0], choices=tuple(_choice(text, each) for each in found if each is not wanted[0]))


def _choice(text: str, other: LookupResult) -> LookupChoice:
    """A click's ID is unique here; transactions and customers are distinguished by their kind."""
    if other.click:
        return LookupChoice(text_of(other.click), "", other.text)
    return LookupChoice(text, other.kind, other.text)


def _transaction(text: str) -> LookupResult | None:
    conversions = Conversion.objects.filter(transaction_id=text).order_by("-pk").values_list("pk", flat=True)[:MOST]
    postbacks = Postback.objects.filter(transaction_id=text).order_by("-pk").values_list("pk", flat=True)[:MOST]
    made, sent = tuple(conversions), tuple(postbacks)
    if not (made or sent):
        return None
    words = gettext("All postbacks and conversions with this transaction ID.")
    if not made:
        words = gettext("Postbacks with this transaction ID were received, but none of them created a conversion.")
    return LookupResult(text, "transaction", gettext("Transaction"), words, postbacks=sent, conversions=made)


def _customer(text: str) -> LookupResult | None:
    customers = list(Customer.objects.filter(customer_id=text).values_list("pk", flat=True))
    if not customers:
        return None
    rows = Conversion.objects.filter(customer__in=customers).order_by("-pk").values_list("pk", flat=True)
    pks = tuple(rows[: MOST + 1])
    if not pks:
        return LookupResult(
            text,
            "customer",
            gettext("Customer"),
            gettext("The customer is known but has no conversion."),
            tone="warning",
        )
    words = (
        gettext("All conversions of this customer.")
        if len(pks) <= MOST
        else gettext("The newest {most} conversions of this customer.").format(most=MOST)
    )
    return LookupResult(text, "customer", gettext("Customer"), words, conversions=pks[:MOST])


def _legacy_clicks(text: str) -> list[LookupResult]:
    """Imported click IDs of another platform; two platforms may have used one text. The later click comes first."""
    rows = LegacyClickID.objects.filter(foreign_id=text).select_related("link__enrollment__affiliate")
    return [
        LookupResult(
            text,
            "legacy click",
            gettext("A click ID of another platform"),
            gettext(
                "It was imported from {source}: a click of {clicked_at:%Y-%m-%d at %H:%M:%S} UTC through link "
                "{link_code} of {affiliate}. Here it is the click {text_of}."
            ).format(
                source=row.source,
                clicked_at=row.clicked_at,
                link_code=row.link.code,
                affiliate=row.link.enrollment.affiliate,
                text_of=text_of(row.click_id),
            ),
            click=row.click_id,
        )
        for row in rows.order_by("-clicked_at", "-pk")[:MOST]
    ]


def _unknown(text: str) -> LookupResult:
    refused = explain_refused(text)
    return LookupResult(
        text,
        refused.kind,
        refused.title,
        refused.text,
        tone="danger",
        postbacks=refused.postbacks,
        meant=refused.meant,
    )


def _as_uuid(text: str) -> UUID | None:
    if len(text) not in (32, 36):
        return None
    try:
        return UUID(text)
    except ValueError:
        return None
