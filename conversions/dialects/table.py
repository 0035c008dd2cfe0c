"""One row for each platform whose postbacks are accepted in their own form.

`docs/dialects.md` is written from this table. It holds what is known from the platforms' own documents or from public
integration code. `guesses` names the cells that are guesses; the operator can send the native parameter as well, since
our own names are always read, too.
"""

from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured

from conversions.dialects.answers import (
    affise_answer,
    cake_answer,
    everflow_answer,
    impact_answer,
    keitaro_answer,
    offer18_answer,
    tolt_answer,
    tune_answer,
)
from conversions.dialects.dialect import APPROVED, PENDING, REJECTED, SPOKEN, Dialect, reading
from conversions.dialects.item_lines import ItemLines

DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        "Everflow",
        reading(
            "everflow", click="transaction_id", txid="order_id", event="adv_event_id event_id", revenue="amount",
            coupon="coupon_code", customer="user_id", goals={"0": ""},
            tokens=("verification_token",),
        ),
        "GET /d/everflow/?nid=7&transaction_id={click}&event_id={goal}&amount=120.50&order_id=o-1&verification_token={token}",
        answers=everflow_answer,
        guesses="Whether order_id decides about duplicates there is not documented; here it does.",
    ),
    Dialect(
        "TUNE (HasOffers)",
        reading(
            "tune", click="transaction_id", txid="conversion_unique_id adv_unique1", event="goal_name goal_id",
            revenue="amount", customer="adv_sub",
            tokens=("security_token",),
        ),
        "GET /aff_lsr?offer_id=12&transaction_id={click}&goal_name={goal}&amount=120.50&conversion_unique_id=u-1&security_token={token}",
        paths=("/aff_lsr", "/aff_goal", "/aff_l"),
        pixels=("/aff_l",),
        answers=tune_answer,
        guesses="security_token as the name of the token.",
    ),
    Dialect(
        "CAKE",
        reading("cake", click="r ckm_request_id reqid", txid="t", event="e", revenue="ect", payout="p ap"),
        "GET /p.ashx?o=12&e={goal}&f=pb&r={click}&t=t-1&ect=120.50&token={token}",
        paths=("/p.ashx",),
        answers=cake_answer,
        guesses="CAKE sends no token: add token=… to the address, or use the address with the key in its path.",
    ),
    Dialect(
        "Affise",
        reading(
            "affise", click="clickid click_id", txid="action_id", event="goal", revenue="sum", status="status",
            customer="user_id", coupon="promo_code",
            statuses={**SPOKEN, "1": APPROVED, "2": PENDING, "3": REJECTED, "5": PENDING},
            tokens=("secure",),
        ),
        "GET /d/affise/postback?clickid={click}&action_id=a-1&goal={goal}&sum=120.50&status=1&secure={token}",
        answers=affise_answer,
    ),
    Dialect(
        "Affise Reach",
        reading(
            "affise-reach", click="click_id", txid="event_id", event="goal", revenue="sale_amount", status="status",
            statuses={**SPOKEN, "1": APPROVED, "2": PENDING, "3": REJECTED, "4": PENDING},
            tokens=("secure",),
        ),
        "GET /d/affise-reach/postback?click_id={click}&event_id=a-1&goal={goal}&sale_amount=120.50&status=1&secure={token}",
        answers=affise_answer,
    ),
    Dialect(
        "Scaleo",
        reading(
            "scaleo", click="click_id", txid="transaction_id adv_order_id", event="goal_alias goal_id",
            revenue="amount", payout="payout", currency="currency", status="conv_status", customer="adv_user_id",
            coupon="promo_code", statuses=SPOKEN,
        ),
        "GET /track/conv?click_id={click}&goal_alias={goal}&transaction_id=t-1&amount=120.50&conv_status=approved&token={token}",
        paths=("/track/conv", "/track/conv-change", "/track/conv-addchange"),
        guesses="The names of currency, order and user.",
    ),
    Dialect(
        "Trackier",
        reading(
            "trackier", click="click_id", txid="txn_id order_id", event="goal_value goal_id",
            revenue="sale_amount revenue", currency="currency", status="status", coupon="coupon", statuses=SPOKEN,
            tokens=("security_token",),
        ),
        "GET /acquisition?click_id={click}&txn_id=t-1&goal_value={goal}&sale_amount=120.50&currency=EUR&status=approved&security_token={token}",
        paths=("/acquisition",),
        guesses="security_token as the name of the token.",
    ),
    Dialect(
        "Offer18",
        reading(
            "offer18", click="tid", txid="adv_sub1", event="event", revenue="sale", payout="payout",
            currency="currency", status="status", statuses=SPOKEN,
            tokens=("auth_token",),
        ),
        "GET /p?mid=9&tid={click}&adv_sub1=t-1&event={goal}&sale=120.50&auth_token={token}",
        paths=("/p",),
        answers=offer18_answer,
        guesses="adv_sub1 carries the transaction by habit, not by rule.",
    ),
    Dialect(
        "Track360",
        reading(
            "track360", click="click_id tracking_value", txid="transaction_id", event="type", revenue="amount",
            currency="currency", customer="customer_id", time="date",
        ),
        "POST /d/track360/transactions",
        sample_body={
            "click_id": "{click}", "transaction_id": "t-1", "type": "{goal}", "amount": "120.50", "currency": "EUR",
            "customer_id": "c-1",
        },
        guesses="Which tracking value holds the click ID is the operator's choice: send it as click_id.",
    ),
    Dialect(
        "Voluum",
        reading("voluum", click="cid", txid="txid", event="et", revenue="payout", currency="currency"),
        "GET /d/voluum/{token}/postback?cid={click}&txid=t-1&et={goal}&payout=120.50&currency=EUR",
        guesses="Voluum sends no token: the key stands in the path. Its payout is the advertiser's: our revenue.",
    ),
    Dialect(
        "RedTrack",
        reading(
            "redtrack", click="clickid", txid="rdtk_event_id", event="type", revenue="sum", currency="currency",
            status="status", statuses={**SPOKEN, "other": PENDING}, defaults={"status": PENDING},
        ),
        "GET /d/redtrack/{token}/postback?clickid={click}&rdtk_event_id=e-1&type={goal}&sum=120.50&status=approved",
        guesses="Without a status RedTrack means other: here it waits as pending.",
    ),
    Dialect(
        "Keitaro",
        reading(
            "keitaro", click="subid sub_id", txid="tid", event="event", revenue="revenue payout",
            currency="currency", status="status",
            statuses={**SPOKEN, "lead": PENDING, "sale": APPROVED, "rebill": APPROVED}, defaults={"status": APPROVED},
            status_lists={
                "lead_status": PENDING, "sale_status": APPROVED, "rebill_status": APPROVED, "rejected_status": REJECTED,
            },
        ),
        "GET /{token}/postback?subid={click}&tid=t-1&status=sale&payout=120.50&currency=EUR&return=OK&event={goal}",
        forms=("/{token}/postback",),
        answers=keitaro_answer,
        guesses="Keitaro distinguishes goals by status; name the goal as event, or set the advertiser's default goal.",
    ),
    Dialect(
        "Binom",
        reading(
            "binom", click="cnv_id clickid", txid="txid", event="event", revenue="payout", currency="cnv_currency",
            status="cnv_status", statuses=SPOKEN,
            tokens=("upd_key",),
        ),
        "GET /click.php?cnv_id={click}&txid=t-1&payout=120.50&cnv_currency=EUR&cnv_status=approved&event={goal}&upd_key={token}",
        paths=("/click.php", "/click"),
        guesses="cnv_status is free text there; words that we do not know are refused by name.",
    ),
    Dialect(
        "BeMob",
        reading(
            "bemob", click="cid", txid="txid", event="event", revenue="payout", currency="currency", status="status",
            statuses={**SPOKEN, "new": PENDING},
        ),
        "GET /d/bemob/{token}/postback?cid={click}&txid=t-1&payout=120.50&status=approved&event={goal}",
        guesses="txid and currency.",
    ),
    Dialect(
        "ClickFlare",
        reading("clickflare", click="click_id", txid="txid", event="ct", revenue="payout"),
        "GET /cf/cv?click_id={click}&payout=120.50&txid=t-1&ct={goal}&token={token}",
        paths=("/cf/cv",),
        guesses="txid and ct.",
    ),
    Dialect(
        "impact.com",
        reading(
            "impact", click="ClickId", txid="OrderId Oid", event="EventTypeCode ActionTrackerId EventTypeId",
            revenue="Amount", currency="CurrencyCode", customer="CustomerId", coupon="PromoCode", time="EventDate",
            now_words=frozenset({"now"}),
            lines=ItemLines(amount="itemsubtotal", of_all="orderdiscount", not_alone="itemprice"),
        ),
        "POST /Advertisers/IR123/Conversions",
        forms=("/Advertisers/{account}/Conversions",),
        sample_body={
            "ClickId": "{click}", "OrderId": "t-1", "EventTypeCode": "{goal}", "Amount": "120.50",
            "CurrencyCode": "EUR", "CustomerId": "c-1",
        },
        answers=impact_answer,
        guesses="The token is the password of the basic authentication.",
    ),
    Dialect(
        "Awin",
        reading("awin", click="cks awc", txid="ref", revenue="amount", currency="cr", coupon="vc", event="parts_group"),
        "GET /sread.php?tt=ss&tv=2&merchant=77&cks={click}&ref=t-1&amount=120.50&cr=EUR&vc=SAVE10&event_type={goal}&token={token}",
        paths=("/sread.php", "/sread.img"),
        pixels=("/sread.img",),
        guesses="Awin's groups (parts=…) are no goals of ours: name the goal as event_type, or set the default goal.",
    ),
    Dialect(
        "CJ",
        reading(
            "cj", click="CJEVENT", txid="OID", event="TYPE", revenue="AMOUNT", currency="CURRENCY",
            coupon="COUPON", time="EVENTTIME",
            lines=ItemLines(amount="amt", quantity="qty", discount="dcnt", of_all="discount"),
        ),
        "GET /u?CID=1&TYPE={goal}&METHOD=S2S&CJEVENT={click}&OID=t-1&AMOUNT=120.50&CURRENCY=EUR&token={token}",
        paths=("/u",),
    ),
    Dialect(
        "Rakuten",
        reading(
            "rakuten", click="ranSiteID", txid="ord", revenue="amtlist", currency="cur", event="event",
            minor_units=True, sums=frozenset({"revenue"}), defaults={"currency": "USD"},
            negative_is_refund=True,
        ),
        "GET /ep?mid=5&ranSiteID={click}&ord=t-1&amtlist=10000|2050&cur=EUR&event_type={goal}&token={token}",
        paths=("/ep",),
        guesses="Without cur the amounts are US dollars.",
    ),
    Dialect(
        "Post Affiliate Pro",
        reading(
            "pap", click="visitorId click_id", txid="OrderID", event="ActionCode", revenue="TotalCost",
            payout="Commission", currency="Currency", coupon="Coupon",
            status="PStatus", statuses={**SPOKEN, "a": APPROVED, "p": PENDING, "d": REJECTED},
        ),
        "GET /scripts/sale.php?AccountId=default1&visitorId={click}&OrderID=t-1&ActionCode={goal}&TotalCost=120.50&Currency=EUR&token={token}",
        paths=("/scripts/sale.php",),
        guesses="visitorId holds our click ID; the letters of the status.",
    ),
    Dialect(
        "Dub",
        reading(
            "dub", click="clickId", txid="invoiceId", event="eventName", revenue="amount", currency="currency",
            customer="customerExternalId externalId", minor_units=True, defaults={"currency": "USD"},
        ),
        "POST /track/sale",
        paths=("/track/lead", "/track/sale"),
        sample_body={
            "clickId": "{click}", "customerExternalId": "c-1", "invoiceId": "t-1", "eventName": "{goal}",
            "amount": "12050", "currency": "eur",
        },
    ),
    Dialect(
        "Tolt",
        reading(
            "tolt", click="click_id", txid="charge_id", event="billing_type", revenue="amount", currency="currency",
            customer="customer_id", minor_units=True, defaults={"currency": "USD"},
        ),
        "POST /v1/transactions",
        paths=("/v1/transactions",),
        sample_body={
            "click_id": "{click}", "charge_id": "t-1", "amount": "12050", "currency": "EUR", "customer_id": "c-1",
            "billing_type": "{goal}",
        },
        answers=tolt_answer,
        guesses="Currency, click and goal are ours to name: Tolt's own request has none.",
    ),
    Dialect(
        "Tapfiliate",
        reading(
            "tapfiliate", click="click_id tracking_id referral_code", txid="external_id", event="program_group",
            revenue="amount", currency="currency", customer="customer_id", coupon="coupon",
        ),
        "POST /d/tapfiliate/conversions",
        sample_body={
            "click_id": "{click}", "external_id": "t-1", "amount": "120.50", "customer_id": "c-1",
            "event_type": "{goal}",
        },
        guesses="external_id.",
    ),
    Dialect(
        "AppsFlyer",
        reading(
            "appsflyer", click="clickid click_id af_sub1", txid="af_order_id event_value.af_order_id af_transaction_id order_id",
            event="event_name event-name eventName",
            revenue="event_revenue event-revenue af_revenue event_value.af_revenue event_revenue_usd",
            currency="event_revenue_currency event-revenue-currency af_currency event_value.af_currency eventCurrency",
            customer="customer_user_id", time="event_time event-time eventTime",
            documents=frozenset({"event_value", "event-value", "eventvalue"}),
            currencies={"event_revenue_usd": "USD"}, defaults={"currency": "USD"}, negative_is_refund=True,
        ),
        "GET /d/appsflyer/{token}/postback?clickid={click}&event_name={goal}&event_revenue=120.50&event_revenue_currency=EUR&event_value=%7B%22af_order_id%22%3A%22t-1%22%7D",
        guesses=(
            "The names are AppsFlyer's macros and the fields of its Push API; af_sub1 may hold the click ID because "
            "the Push API has no clickid. Without an order ID in event_value a repeated event of one click is a "
            "duplicate. install_time is a label: an event later than the install has its own event_time."
        ),
    ),
    Dialect(
        "Adjust",
        reading(
            "adjust", click="click_id label", txid="transaction_id order_id deduplication_id",
            event="event_name event event_token activity_kind",
            revenue="revenue_float revenue_usd revenue_usd_cents revenue", currency="currency", time="created_at",
            currencies={"revenue_usd": "USD", "revenue_usd_cents": "USD"},
            cents=frozenset({"revenue", "revenue_usd_cents"}), test_when=("environment", "sandbox"),
        ),
        "GET /d/adjust/{token}/callback?click_id={click}&activity_kind=event&event_name={goal}&revenue_float=120.50&currency=eur&transaction_id=t-1&is_s2s=0",
        guesses=(
            "The names of the parameters are those of Adjust's placeholders, as its own examples write them; the "
            "names of a transaction. {revenue} is in hundredths whatever the currency."
        ),
    ),
)  # fmt: skip


def _once(named: Iterable[tuple[str, Dialect]]) -> dict[str, Dialect]:
    """The rows by a name or an address; a second row of the same one would hide the first."""
    found: dict[str, Dialect] = {}
    for name, dialect in named:
        if name in found:
            raise ImproperlyConfigured(f"The dialects {found[name].title} and {dialect.title} both have {name}.")
        found[name] = dialect
    return found


BY_NAME = _once((dialect.name, dialect) for dialect in DIALECTS)
BY_PATH = _once((path, dialect) for dialect in DIALECTS for path in dialect.paths)
BY_FORM = _once((form, dialect) for dialect in DIALECTS for form in dialect.forms)
TOKEN_NAMES = frozenset(name for dialect in DIALECTS for name in dialect.tokens)


__all__ = ["BY_FORM", "BY_NAME", "BY_PATH", "DIALECTS", "TOKEN_NAMES", "Dialect"]
