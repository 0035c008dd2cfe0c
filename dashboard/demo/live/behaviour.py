"""The behaviour of a simulated visitor, request by request, and the expected answer to each."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from dashboard.demo.clock import source
from dashboard.demo.data import LINK, OFFER, SLIPS
from dashboard.demo.live.sending import HttpAnswer, Request
from dashboard.demo.slips import spoiled
from dashboard.demo.visitors import visitor
from tracking.click_id.codec import LENGTH
from tracking.models import SUB_IDS

# A link that the data files lack has visitors as the first one has.
UNKNOWN = next(iter(LINK.values()))
COLUMNS = ("aff_click_id", "source", *SUB_IDS)
# Goals whose postbacks have an amount, with the usual one.
PRICES = {
    "ftd": ("20.00", "50.00", "100.00", "250.00"),
    "deposit": ("25.00", "40.00", "75.00"),
    "challenge_purchase": ("99.00", "189.00", "299.00", "539.00"),
    "challenge": ("99.00", "189.00"),
    "purchase": ("24.90", "58.40", "74.00", "131.50"),
    "sale": ("24.90", "58.40"),
}
# The share of visitors at a goal who go on to the next one.
GOES_ON = 0.7
ANSWERED = [slip for slip in SLIPS["slips"] if "answer" in slip]
NO_SUCH_LINK, SENT_TWICE, CONFLICTS, REVERSED, FAULTY = 0.01, 0.08, 0.03, 0.04, 0.12


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """A request some seconds after the previous step, and a check that returns an answer's error ("" for none)."""

    after: float
    kind: str
    request: Request
    problem: Callable[[HttpAnswer], str]


# A visitor's steps; each is asked for with the answer to the step before.
Steps = Iterator[PlayedStep]


@dataclass(frozen=True, slots=True)
class Program:
    """The facts that visitors are made from."""

    links: Sequence[dict[str, Any]]
    tokens: dict[str, str]
    goals: dict[str, list[str]]

    @classmethod
    def read(cls, facts: dict[str, Any]) -> "Program":
        """From what `seed_demo --facts` prints; raise KeyError, TypeError or ValueError for anything else."""
        goals: dict[str, list[str]] = {}
        for goal in facts["goals"]:
            goals.setdefault(goal["offer"], []).append(goal["code"])
        tokens = {advertiser["name"]: advertiser["token"] for advertiser in facts["advertisers"]}
        links = [link for link in facts["links"] if link["advertiser"] in tokens and goals.get(link["offer"])]
        if not links:
            raise ValueError("none of its links has an advertiser with a token and an offer with goals")
        return cls(links, tokens, goals)


class VisitorStory:
    """One visitor, from the click on. The same seed and number make the same visitor."""

    def __init__(self, program: Program, *, seed: int, number: int, converting: float, run: str) -> None:
        self._rng = source(seed, f"visitor {number}")
        self._program, self._converting = program, converting
        self._name = f"sim-{run}-{number}"
        self._link = self._rng.choice(program.links)
        self._visitor = visitor(self._rng, *LINK.get(self._link["code"], UNKNOWN))
        self._click = ""
        self._conversion = ""

    def steps(self) -> Steps:
        """The click; then, if the visitor converts, the advertiser's postbacks with their slips and repeats."""
        if self._rng.random() < NO_SUCH_LINK:
            yield PlayedStep(0, "click", Request("GET", f"/c/no-such-{self._name}"), _status(404))
            return
        yield PlayedStep(0, "click", self._click_request(), self._no_click_id)
        if self._visitor.is_bot or self._rng.random() > self._converting:
            return
        for position, code in enumerate(self._program.goals[self._link["offer"]]):
            if position and self._rng.random() > GOES_ON:
                return
            yield from self._event(code)

    def _event(self, code: str) -> Steps:
        rng, fields = self._rng, self._fields(code)
        if rng.random() < FAULTY:
            yield self._slip(fields)
        yield PlayedStep(rng.uniform(0.3, 2.5), "postback", self._postback(fields), self._not_accepted)
        if rng.random() < SENT_TWICE:
            yield PlayedStep(rng.uniform(0.1, 1), "postback", self._postback(fields), self._not_the_same)
        if "revenue" in fields and rng.random() < CONFLICTS:
            other = {**fields, "revenue": "1.00"}
            yield PlayedStep(0.5, "postback", self._postback(other), _outcome(409, "conflict", "transaction_conflict"))
        if "revenue" in fields and rng.random() < REVERSED:
            back = {**fields, "status": "rejected"}
            yield PlayedStep(
                rng.uniform(0.5, 2), "postback", self._postback(back), _outcome(200, "updated", "status_updated")
            )

    def _fields(self, code: str) -> dict[str, str]:
        prices = PRICES.get(code, ())
        fields = {
            "event_type": code,
            "click_id": self._click,
            "txid": f"{self._name}-{code}",
            "customer_id": self._name,
        }
        if prices:
            fields |= {
                "revenue": self._rng.choice(prices),
                "currency": OFFER.get(self._link["offer"], {}).get("currency", "EUR"),
            }
        if code in ("purchase", "sale"):
            fields["status"] = "approved"
        return fields

    def _slip(self, fields: dict[str, str]) -> PlayedStep:
        """A request that must be refused, ahead of the right one."""
        slip = self._rng.choice([slip for slip in ANSWERED if slip.get("change", {}).keys() <= fields.keys()])
        request = self._postback(spoiled(slip, fields), slip.get("token"))
        return PlayedStep(self._rng.uniform(0.2, 1), "postback", request, _refused(*slip["answer"]))

    def _click_request(self) -> Request:
        who = self._visitor
        labels = {name: value for name, value in zip(COLUMNS, who.labels, strict=True) if value}
        headers = {"User-Agent": who.user_agent, "X-Forwarded-For": who.ip}
        if who.referrer:
            headers["Referer"] = who.referrer
        return Request("GET", f"/c/{self._link['code']}?{urlencode(labels)}", headers)

    def _postback(self, fields: dict[str, str], token: str | None = None) -> Request:
        """By query, form or JSON, each advertiser in its own way."""
        token = token or self._program.tokens[self._link["advertiser"]]
        way = sum(self._link["advertiser"].encode()) % 3
        if way == 0:
            return Request("GET", "/postback?" + urlencode({**fields, "token": token}))
        if way == 1:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
            return Request("POST", "/postback", headers, json.dumps(fields))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request("POST", "/postback", headers, urlencode({**fields, "token": token}))

    def _no_click_id(self, answer: HttpAnswer) -> str:
        values = (value for _, value in parse_qsl(urlsplit(answer.location).query))
        self._click = next((value for value in values if len(value) == LENGTH and value.isalnum()), "")
        if answer.status != 302:
            return f"answered {answer.status}, not 302"
        return "" if self._click else f"led to {answer.location} without a click ID"

    def _not_accepted(self, answer: HttpAnswer) -> str:
        reply = answer.json()
        self._conversion = reply.get("conversion_id") or ""
        problem = _outcome(200, "accepted")(answer)
        return problem or ("" if self._conversion else "was accepted without a conversion ID")

    def _not_the_same(self, answer: HttpAnswer) -> str:
        problem = _outcome(200, "duplicate", "duplicate")(answer)
        same = answer.json().get("conversion_id") == self._conversion
        return problem or ("" if same else "was a duplicate of another conversion")


def _status(expected: int) -> Callable[[HttpAnswer], str]:
    return lambda answer: "" if answer.status == expected else f"answered {answer.status}, not {expected}"


def _refused(status: int, outcome: str, code: str) -> Callable[[HttpAnswer], str]:
    """Expect the request to be refused, with this problem among those named."""

    def problem(answer: HttpAnswer) -> str:
        reply = answer.json()
        codes = {reply.get("reason"), *(problem.get("code") for problem in reply.get("problems", ()))}
        return _outcome(status, outcome)(answer) or ("" if code in codes else f"named {codes}, but not {code}")

    return problem


def _outcome(status: int, outcome: str, reason: str = "") -> Callable[[HttpAnswer], str]:
    def problem(answer: HttpAnswer) -> str:
        reply = answer.json()
        wrong = answer.status != status or reply.get("outcome") != outcome or reason not in ("", reply.get("reason"))
        if not wrong:
            return ""
        got = f"{answer.status} {reply.get('outcome')} ({reply.get('reason')}: {reply.get('message')})"
        return f"answered {got}, not {status} {outcome} {reason}".rstrip()

    return problem
