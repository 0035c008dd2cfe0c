"""Stories that are included at any scale, so that the demo shows every status and every common reason."""

from datetime import datetime, timedelta

from conversions.reasons.codes import Reason
from dashboard.demo.program.offers import CASINO, CHALLENGE, SHOP
from dashboard.demo.program.rhythm import DemoSpan
from dashboard.demo.visitors.journeys import CANCELLED_ORDER, FRAUD_OF_ROBOT, Journeys, Verdict
from dashboard.demo.visitors.traffic import DemoVisit, Traffic

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

TEST = Verdict(False, Reason.TEST_EVENT, "Integration test by LuckyFox.")
APPEALED = Verdict(
    True, Reason.APPEAL, "The player had registered on the phone within the window; LuckyFox's support confirms it."
)
TESTS, APPEALS = ("lf-test-1", "lf-test-2"), ("lf-late-appeal",)


class Stories:
    """Each method is one story; `visits` are the clicks that they need."""

    def __init__(self, journeys: Journeys, traffic: Traffic, span: DemoSpan) -> None:
        self._tell, self._traffic, self._span = journeys, traffic, span
        self.visits: list[DemoVisit] = []

    def all_visits(self) -> list[DemoVisit]:
        """Add all stories; return the clicks they need."""
        for story in (
            self.integration_test,
            self.first_earnings,
            self.good_player,
            self.player_who_may_become_a_vip,
            self.news_of_yesterday,
            self.too_late,
            self.late_but_right,
            self.clock_ahead,
            self.first_deposit_sent_twice,
            self.small_deposit,
            self.payment_failed,
            self.reversed_after_approval,
            self.robots,
            self.suspended_and_closed,
            self.ring_of_accounts,
            self.taken_over,
            self.click_long_gone,
            self.orders,
        ):
            story()
        return self.visits

    def _click(self, code: str, days_ago: int, clock: str) -> DemoVisit:
        visit = self._traffic.visit(code, self._span.at(days_ago, clock))
        self.visits.append(visit)
        return visit

    def _player(self, visit: DemoVisit, after: timedelta = 7 * MINUTE) -> tuple[str, datetime]:
        """A player who registers some time after the click."""
        player, at = self._tell.customer("LF"), visit.at + after
        self._tell.report(at, CASINO, "registration", click=visit, customer=player)
        return player, at

    def _deposit(self, visit: DemoVisit, player: str, at: datetime, amount: str = "50.00") -> str:
        return self._tell.report(at, CASINO, "ftd", click=visit, customer=player, revenue=amount)

    def integration_test(self) -> None:
        """The casino's engineers try their postbacks; the operator takes the test events out."""
        visit = self._click("ana-casino", 59, "10:02:11")
        player = "test-player"
        for txid, event, revenue in zip(TESTS, ("registration", "deposit"), ("", "25.00"), strict=True):
            self._tell.report(
                visit.at + 5 * MINUTE, CASINO, event, click=visit, customer=player, revenue=revenue, txid=txid
            )
            self._tell.reports.verdicts[txid] = TEST

    def first_earnings(self) -> None:
        """Sales that the advertisers confirm at once, in both currencies, early enough for the first statement."""
        for code, offer, event, amount in (
            ("ana-shop", SHOP, "purchase", "89.90"),
            ("ana-challenge", CHALLENGE, "challenge_purchase", "299.00"),
            ("ttd-challenge", CHALLENGE, "challenge_purchase", "539.00"),
            ("bee-shop", SHOP, "purchase", "124.50"),
        ):
            visit = self._click(code, 59, "18:40:05")
            self._tell.report(visit.at + HOUR, offer, event, click=visit, revenue=amount, status="approved")

    def good_player(self) -> None:
        """Registered, checked, deposits again and again: the rate of each deposit follows the plan's versions."""
        visit = self._click("ana-casino-yt", 50, "20:14:48")
        player, at = self._player(visit)
        self._tell.report(at + 2 * HOUR, CASINO, "kyc", click=visit, customer=player)
        self._deposit(visit, player, at + 3 * HOUR, "100.00")
        for days, amount in ((4, "50.00"), (13, "200.00"), (24, "75.00"), (35, "150.00"), (46, "60.00")):
            self._tell.report(at + days * DAY, CASINO, "deposit", customer=player, revenue=amount)
        # The casino calls the player a VIP a deposit before the rules do.
        self._tell.report(at + 36 * DAY, CASINO, "vip", customer=player)

    def player_who_may_become_a_vip(self) -> None:
        """The casino reports a VIP, but the deposits are below the minimum so far, and the identity is not checked."""
        visit = self._click("ana-casino-yt", 15, "21:02:37")
        player, at = self._player(visit)
        self._deposit(visit, player, at + HOUR, "100.00")
        self._tell.report(at + 4 * DAY, CASINO, "deposit", customer=player, revenue="200.00")
        self._tell.report(at + 5 * DAY, CASINO, "vip", customer=player)

    def news_of_yesterday(self) -> None:
        """A first deposit and a challenge that wait for their approval delays to pass."""
        visit = self._click("ana-casino-yt", 1, "15:20:33")
        player, at = self._player(visit)
        self._deposit(visit, player, at + HOUR, "100.00")
        visit = self._click("ana-challenge", 1, "16:07:12")
        self._tell.report(visit.at + HOUR, CHALLENGE, "challenge_purchase", click=visit, revenue="299.00")

    def too_late(self) -> None:
        """Registered 34 days after the click, where 30 count."""
        self._player(self._click("ben-casino", 44, "21:30:00"), after=34 * DAY)

    def late_but_right(self) -> None:
        """Too late as well, but the affiliate appeals and is right."""
        visit, txid = self._click("ana-casino", 52, "19:05:33"), APPEALS[0]
        player, at = self._tell.customer("LF"), visit.at + 33 * DAY
        self._tell.report(at, CASINO, "ftd", click=visit, customer=player, revenue="60.00", txid=txid)
        self._tell.reports.verdicts[txid] = APPEALED

    def clock_ahead(self) -> None:
        """A time without its zone, two hours off: the event seems older than its click."""
        self._player(self._click("ben-casino-bonus", 27, "12:20:10"), after=-2 * HOUR)

    def first_deposit_sent_twice(self) -> None:
        visit = self._click("ana-casino-tg", 31, "22:41:17")
        player, at = self._player(visit)
        self._deposit(visit, player, at + HOUR)
        self._deposit(visit, player, at + 3 * DAY, "80.00")

    def small_deposit(self) -> None:
        visit = self._click("ana-casino", 9, "20:02:40")
        player, at = self._player(visit)
        self._deposit(visit, player, at + 20 * MINUTE, "10.00")

    def payment_failed(self) -> None:
        """The shop reports an order whose payment was refused."""
        visit = self._click("ana-shop", 6, "11:11:52")
        self._tell.report(visit.at + 12 * MINUTE, SHOP, "purchase", click=visit, revenue="56.80", status="rejected")

    def reversed_after_approval(self) -> None:
        """A deposit charged back and a challenge refunded, both after they had earned."""
        visit = self._click("ana-casino", 40, "21:09:30")
        player, at = self._player(visit)
        self._deposit(visit, player, at + HOUR, "50.00")
        txid = self._tell.report(at + 2 * DAY, CASINO, "deposit", customer=player, revenue="120.00")
        self._tell.update(at + 15 * DAY, CASINO, "deposit", txid, "rejected", customer=player)
        visit, event = self._click("ttd-discord", 30, "15:30:21"), "challenge_purchase"
        txid = self._tell.report(visit.at + HOUR, CHALLENGE, event, click=visit, revenue="189.00")
        self._tell.update(visit.at + 20 * DAY, CHALLENGE, event, txid, "rejected")
        # The advertiser then sends an approval by mistake: no postback approves a rejected conversion.
        self._tell.update(visit.at + 21 * DAY, CHALLENGE, event, txid, "approved")

    def robots(self) -> None:
        """Accounts made from robots' clicks: some found out, some still under review."""
        for code, days_ago, verdict in (
            ("nordic-ads", 19, FRAUD_OF_ROBOT),
            ("ben-casino-bonus", 15, Verdict(True, Reason.OPERATOR_APPROVED, "A person with an odd browser: called.")),
            ("ana-casino", 1, None),
            ("ben-casino", 1, None),
        ):
            visit = self._traffic.robot(code, self._span.at(days_ago, "13:37:02"))
            self.visits.append(visit)
            txid = self._tell.report(
                visit.at + MINUTE, CASINO, "registration", click=visit, customer=self._tell.customer("LF")
            )
            if verdict:
                self._tell.reports.verdicts[txid] = verdict

    def suspended_and_closed(self) -> None:
        """Players go on depositing after their affiliate's account was suspended or closed: held."""
        for code, days_ago, later in (("nordic-casino", 30, (10, 23, 29)), ("bright-casino", 46, (8, 28, 45))):
            visit = self._click(code, days_ago, "19:48:26")
            player, at = self._player(visit)
            self._deposit(visit, player, at + HOUR)
            for days in later:
                self._tell.report(at + days * DAY, CASINO, "deposit", customer=player, revenue="40.00")

    def ring_of_accounts(self) -> None:
        """First deposits within minutes of each other; the operator finds one person behind them."""
        for number in range(4):
            visit = self._click("nordic-ads", 21, f"02:1{number}:08")
            player, at = self._player(visit, after=2 * MINUTE)
            self._deposit(visit, player, at + 3 * MINUTE, "20.00")

    def taken_over(self) -> None:
        """A trader signs up through Ana and buys after a click on Ben's page: there the last click counts."""
        first, trader = self._click("ana-challenge", 26, "16:22:49"), self._tell.customer("NP")
        self._tell.report(first.at + 9 * MINUTE, CHALLENGE, "registration", click=first, customer=trader)
        last = self._click("ben-challenge", 23, "17:58:13")
        self._tell.report(
            last.at + 30 * MINUTE, CHALLENGE, "challenge_purchase", click=last, customer=trader, revenue="299.00"
        )

    def click_long_gone(self) -> None:
        """A click whose row has expired: its ID still proves whose it was."""
        visit = self._traffic.visit("ana-casino", self._span.at(83, "18:12:55"))
        self._player(visit, after=25 * DAY)

    def orders(self) -> None:
        """Orders in every state: waiting for the operator, for the payment, confirmed, cancelled, returned."""
        for days_ago, code, revenue in ((1, "ana-shop", "74.20"), (1, "bee-shop", "39.95"), (2, "bee-app", "112.00")):
            visit = self._click(code, days_ago, "17:03:41")
            self._tell.report(visit.at + 18 * MINUTE, SHOP, "purchase", click=visit, revenue=revenue)
        visit = self._click("ana-shop-garden", 2, "08:50:19")
        self._tell.report(visit.at + HOUR, SHOP, "purchase", click=visit, revenue="149.00", status="pending")
        for days_ago, status in ((24, "approved"), (22, "rejected")):
            visit = self._click("bee-shop", days_ago, "12:31:44")
            txid = self._tell.report(visit.at + HOUR, SHOP, "purchase", click=visit, revenue="64.90", status="pending")
            self._tell.update(visit.at + 9 * DAY, SHOP, "purchase", txid, status)
        for days_ago, cancelled in ((18, True), (17, False)):
            visit = self._click("ana-shop", days_ago, "20:15:00")
            txid = self._tell.report(visit.at + HOUR, SHOP, "purchase", click=visit, revenue="58.40")
            if cancelled:
                self._tell.reports.verdicts[txid] = CANCELLED_ORDER
        self._tell.report(
            self._span.at(11, "21:00:27"), SHOP, "purchase", coupon="ANA15", revenue="83.10", txid="cv-phone-4471"
        )
