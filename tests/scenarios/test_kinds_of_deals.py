"""Deals that look back on what came before: losses, lots, tiers, levels; each from the click to the ledger by hand.

Days are of past calendar months, counted back from today. Clicks of those days are known by their signed IDs.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from payouts.ledger.click_booking import book_clicks
from payouts.ledger.click_counts import count_clicks
from payouts.models import CommissionRule, LedgerEntry
from payouts.verification.verify import Verification
from tests.scenarios.story import Program, balance, ledger, tell
from tracking.click_id import codec
from tracking.counts.rollups import rebuild
from tracking.marks import mark_waiting
from tracking.models import Click

pytestmark = pytest.mark.django_db(transaction=True)
Kind = CommissionRule.Kind


def day(months_ago: int, number: int) -> datetime:
    """Noon UTC on that day of a calendar month before this one."""
    first = datetime.now(UTC).replace(day=1, hour=12, minute=0, second=0, microsecond=0)
    for _ in range(months_ago):
        first = (first - timedelta(days=1)).replace(day=1)
    return first.replace(day=number)


def clicked(program: Program, name: str, at: datetime) -> str:
    return codec.new(link_number=program.links[name].pk, at=at - timedelta(hours=1)).text


def goal(program: Program, code: str, **fields: object) -> object:
    program.goal(code, **fields)
    return program.offer.goals.get(code=code)


def all_is_well() -> bool:
    return list(Verification().findings()) == []


@pytest.mark.parametrize(("carryover", "second_month"), [(True, "90"), (False, "270")])
def test_casino_pays_cpa_and_a_share_of_net_revenue_through_a_negative_month(carryover, second_month):
    """CPA 100.00 EUR and 30 % of net revenue, which is gross less winnings and bonus.

    First month. Carl's first deposit: 100.00. Carl: 1000 - 200 bonus = 800 net, 30 % = 240.00. Dora: 600 - 2000
    winnings = -1400 net. The month is at 800 - 1400 = -600, so it earns 0 and the 240.00 are taken back.
    Second month. Carl: 900 net. With carryover -600 + 900 = 300, 30 % = 90.00; without it 30 % of 900 = 270.00.
    In all 100 + 240 - 240 + 90 = 190.00 EUR, or 100 + 240 - 240 + 270 = 370.00 EUR.
    """
    casino = Program("Casino", vertical="igaming")
    ana = casino.enroll("Ana")
    casino.goal("ftd", flat="100", needs_customer_id=True, once_per_customer=True)
    share = goal(casino, "net_revenue", kind="net_revenue", needs_customer_id=True)
    formula = {"deductions": [{"name": "winnings"}, {"name": "bonus"}], "carryover": carryover}
    casino.pay(CommissionRule(goal=share, kind=Kind.NET_REVENUE, percent=Decimal(30), formula=formula))

    async def story(teller):
        first = clicked(casino, "Ana", day(2, 2))
        other = clicked(casino, "Ana", day(2, 3))
        carl = {"customer_id": "carl", "currency": "EUR"}
        dora = {"customer_id": "dora", "currency": "EUR"}
        at = {number: day(2, number).isoformat() for number in (2, 3, 10, 20)}
        answers = [
            await teller.event("ftd", click_id=first, txid="d1", revenue="50", timestamp=at[2], **carl),
            await teller.event(
                "net_revenue", click_id=first, txid="n1", revenue="1000", bonus="200", timestamp=at[10], **carl
            ),
        ]
        await teller.book()
        answers.append(
            await teller.event(
                "net_revenue", click_id=other, txid="n2", revenue="600", winnings="2000", timestamp=at[20], **dora
            )
        )
        await teller.book()
        later = day(1, 5).isoformat()
        answers.append(await teller.event("net_revenue", txid="n3", revenue="900", timestamp=later, **carl))
        return answers

    assert tell(casino, story) == ["accepted/ok"] * 4
    assert ledger(ana) == [
        ("commission", "100 EUR"),
        ("commission", "240 EUR"),
        ("reversal", "-240 EUR"),
        ("commission", f"{second_month} EUR"),
    ]
    assert balance(ana, "EUR") == Decimal(100) + Decimal(second_month)
    assert all_is_well()


def test_broker_rebates_each_lot_for_the_life_of_the_trader():
    """7.50 USD per lot: 2.35 lots = 17.625, rounded 17.63; 0.01 lots = 0.075, rounded 0.08; 4 lots = 30.00.

    Together 47.71 USD. The trader clicks on Ben's link between the second trade and the third, and stays Ana's; the
    window of 30 days after Ana's click is over by then too. A trade without its lots earns nothing.
    """
    broker = Program("Broker", currency="USD", vertical="forex")
    ana, ben = broker.enroll("Ana"), broker.enroll("Ben")
    trade = goal(broker, "trade", kind="trade", needs_customer_id=True)
    broker.pay(CommissionRule(goal=trade, kind=Kind.PER_LOT, amount=Decimal("7.50"), currency="USD"))

    async def story(teller):
        click = clicked(broker, "Ana", day(3, 1))
        trader = {"customer_id": "t-1"}
        answers = [
            await teller.event(
                "trade", click_id=click, txid="1", lots="2.35", timestamp=day(3, 2).isoformat(), **trader
            ),
            await teller.event("trade", txid="2", volume="0.01", timestamp=day(2, 20).isoformat(), **trader),
        ]
        await teller.book()
        other = clicked(broker, "Ben", day(1, 1))
        answers += [
            await teller.event("trade", click_id=other, txid="3", lots="4", timestamp=day(1, 2).isoformat(), **trader),
            await teller.event("trade", txid="4", timestamp=day(1, 3).isoformat(), **trader),
        ]
        return answers

    assert tell(broker, story) == ["accepted/ok"] * 4
    assert ledger(ana) == [("commission", "17.63 USD"), ("commission", "0.08 USD"), ("commission", "30 USD")]
    assert balance(ana, "USD") == Decimal("47.71")
    assert ledger(ben) == []
    assert all_is_well()


def test_prop_firm_pays_for_the_challenge_and_for_two_repurchases():
    """15 % of the challenge, 7 % of a repurchase, at most two of them per trader; all of 299.00 USD.

    44.85 + 20.93 + 20.93 = 86.71 USD; the third repurchase earns nothing. The first repurchase goes back: the third
    moves up into its place: 86.71 - 20.93 + 20.93 = 86.71 USD.
    """
    firm = Program("Firm", currency="USD", vertical="prop")
    ana = firm.enroll("Ana")
    firm.goal("challenge", percent="15", needs_customer_id=True)
    again = goal(firm, "repurchase", kind="purchase", needs_customer_id=True)
    firm.pay(CommissionRule(goal=again, kind=Kind.PERCENT, percent=Decimal(7), max_payments=2))

    async def story(teller):
        click = clicked(firm, "Ana", day(1, 1))
        sent = {"customer_id": "t-1", "revenue": "299.00", "currency": "USD"}
        answers = [await teller.event("challenge", click_id=click, txid="c", timestamp=day(1, 1).isoformat(), **sent)]
        for number in (2, 3, 4):
            at = day(1, number).isoformat()
            answers.append(await teller.event("repurchase", txid=f"r{number}", timestamp=at, **sent))
        return answers

    assert tell(firm, story) == ["accepted/ok"] * 4
    assert ledger(ana) == [("commission", "44.85 USD"), ("commission", "20.93 USD"), ("commission", "20.93 USD")]
    assert balance(ana, "USD") == Decimal("86.71")

    async def goes_back(teller):
        return await teller.event("repurchase", txid="r2", status="rejected")

    assert tell(firm, goes_back) == "updated/status_updated"
    assert sorted(ledger(ana)) == [
        ("commission", "20.93 USD"),
        ("commission", "20.93 USD"),
        ("commission", "20.93 USD"),
        ("commission", "44.85 USD"),
        ("reversal", "-20.93 USD"),
    ]
    assert balance(ana, "USD") == Decimal("86.71")
    assert all_is_well()


def test_three_levels_of_parents_share_and_give_back():
    """10 % for the seller, then 10 %, 5 % and 2 % of its commission for three levels above it.

    333.33 EUR: 33.333, rounded 33.33 for Ana; Ben 3.333, rounded 3.33; Cleo 1.6665, rounded 1.67; Dora 0.6666,
    rounded 0.67; Eve, a fourth level, nothing. The sale goes back, and with it every line: all are at zero.
    """
    shop = Program("Shop", vertical="shop")
    people = [shop.enroll(name) for name in ("Ana", "Ben", "Cleo", "Dora", "Eve")]
    for child, parent in zip(people, people[1:], strict=False):
        child.parent = parent
        child.save()
    purchase = goal(shop, "purchase", percent="10")
    shop.pay(CommissionRule(goal=purchase, kind=Kind.PARENTS, formula={"of": "commission", "levels": ["10", "5", "2"]}))

    async def story(teller):
        click = await teller.click("Ana")
        return await teller.event("purchase", click_id=click, txid="1", revenue="333.33", currency="EUR")

    assert tell(shop, story) == "accepted/ok"
    earned = ["33.33", "3.33", "1.67", "0.67"]
    assert [ledger(each) for each in people] == [*([("commission", f"{sum_} EUR")] for sum_ in earned), []]

    async def goes_back(teller):
        return await teller.event("purchase", txid="1", status="rejected")

    assert tell(shop, goes_back) == "updated/status_updated"
    assert [ledger(each)[1:] for each in people] == [*([("reversal", f"-{sum_} EUR")] for sum_ in earned), []]
    assert not any(balance(each, "EUR") for each in people)
    assert all_is_well()


@pytest.mark.parametrize(
    ("mode", "lines", "together"),
    [
        # 600: 10 % = 60. The next 600: 400 at 10 % and 200 at 20 % = 80. A new month, 500: 10 % = 50.
        ("marginal", ["60", "80", "50"], "190"),
        # 600: 10 % = 60. Then the month is at 1200, all at 20 %: 120, and +60 for the first. A new month, 500: 50.
        ("whole", ["60", "120", "60", "50"], "290"),
    ],
)
def test_a_tier_is_crossed_in_the_middle_of_the_month(mode, lines, together):
    shop = Program("Shop", vertical="shop")
    ana = shop.enroll("Ana")
    purchase = goal(shop, "purchase", needs_revenue=True)
    steps = [{"above": "0", "percent": "10"}, {"above": "1000", "percent": "20"}]
    formula = {"basis": "revenue", "mode": mode, "period": "month", "steps": steps}
    shop.pay(CommissionRule(goal=purchase, kind=Kind.TIERED, formula=formula))

    async def story(teller):
        for number, (at, revenue) in enumerate(((day(2, 5), "600"), (day(2, 15), "600"), (day(1, 2), "500")), 1):
            click = clicked(shop, "Ana", at)
            sent = {"revenue": revenue, "currency": "EUR", "timestamp": at.isoformat()}
            assert await teller.event("purchase", click_id=click, txid=str(number), **sent) == "accepted/ok"
            await teller.book()

    tell(shop, story)
    amounts = LedgerEntry.objects.filter(affiliate=ana).order_by("sequence").values_list("amount", flat=True)
    assert list(amounts) == [Decimal(text) for text in lines]
    assert balance(ana, "EUR") == Decimal(together)
    assert all_is_well()


def test_clicks_of_people_are_paid_and_those_of_bots_are_not():
    """0.045 EUR per click, 10 EUR for a registration beside it.

    Five people click; one of them at once again, and a crawler twice. The day is worth 5 x 0.045 = 0.225, booked as
    0.23. One registers: 10.00. In all 10.23 EUR. Two of the five turn out to be bots: 3 x 0.045 = 0.135, that is 0.14,
    so 0.09 goes back: 10.14 EUR.
    """
    site = Program("Leads", vertical="leads")
    ana = site.enroll("Ana")
    site.goal("registration", flat="10")
    site.pay(CommissionRule(kind=Kind.PER_CLICK, amount=Decimal("0.045"), currency="EUR"))
    path = f"/c/{site.links['Ana'].code}"

    async def story(teller):
        answers = [await teller.client.get(path, client=f"203.0.113.{number}") for number in range(10, 15)]
        assert (await teller.client.get(path, client="203.0.113.14")).status == 302
        for _ in range(2):
            await teller.client.get(path, headers={"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"})
        return await teller.event("registration", click_id=answers[0].query["cid"], transaction_id="r-1")

    assert tell(site, story) == "accepted/ok"
    later = datetime.now(UTC) + timedelta(days=2)
    assert mark_waiting(now=later, seconds=30) == 8
    count_clicks(now=later)
    book_clicks()
    assert balance(ana, "EUR") == Decimal("10.23")
    assert all_is_well()

    people = Click.objects.filter(is_bot=False, is_duplicate=False).order_by("pk")
    assert people.count() == 5
    Click.objects.filter(pk__in=[click.pk for click in people[1:3]]).update(is_bot=True)
    for found in set(Click.objects.values_list("clicked_at__date", flat=True)):
        rebuild(day=found)
    count_clicks(now=later)
    book_clicks()
    assert balance(ana, "EUR") == Decimal("10.14")
    assert all_is_well()
