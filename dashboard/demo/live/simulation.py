"""Live traffic for a running server: visitors come at a rate, convert later, and every answer is checked."""

import heapq
import math
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from dashboard.demo.live.behaviour import PlayedStep, Program, Steps, VisitorStory
from dashboard.demo.live.sending import HttpAnswer, Sender, Unreachable

Progress = Callable[[int, int], None]


@dataclass
class SimulationResult:
    """The result of a run: answers by kind and result, errors, and response times."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"click": [], "postback": []})
    behind: float = 0.0

    def percentile(self, kind: str, share: float) -> float:
        """The time, in seconds, within which this share of the requests was answered."""
        times = sorted(self.seconds[kind])
        return times[min(len(times) - 1, math.ceil(share * len(times)) - 1)] if times else 0.0


class Simulation:
    """A number of threads that send the next request when it is due.

    The requests are in one heap by their time: the next visitor's click, and the next step of every active visitor. It
    ends when no visitor is due or active.
    """

    def __init__(
        self,
        program: Program,
        sender: Sender,
        *,
        rate: float,
        duration: float,
        seed: int,
        converting: float,
        on_progress: Progress,
    ) -> None:
        self._program, self._sender, self._on_progress = program, sender, on_progress
        self._rate, self._total = rate, max(1, round(rate * duration))
        self._seed, self._converting = seed, converting
        # Transaction IDs of two runs must not meet.
        self._run = secrets.token_hex(3)
        self._change = threading.Condition()
        self._due: list[tuple[float, int, Steps, PlayedStep]] = []
        self._order = count()
        self._came = self._under_way = 0
        self._stopped = False
        self.outcome = SimulationResult()

    def run(self, *, threads: int) -> SimulationResult:
        """Send all requests; return when the last answer is in. Ctrl-C ends the run early, with the results so far."""
        self._started = time.monotonic()
        self._admit()
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join()
        except KeyboardInterrupt:
            with self._change:
                self._stopped = True
                self._change.notify_all()
        return self.outcome

    def _admit(self) -> None:
        """Let the next visitor come at the time that the rate gives it."""
        if self._came < self._total:
            story = VisitorStory(
                self._program, seed=self._seed, number=self._came, converting=self._converting, run=self._run
            )
            self._came += 1
            self._push(story.steps(), self._started + (self._came - 1) / self._rate)

    def _push(self, steps: Steps, from_time: float) -> None:
        """Put the visitor's next step into the heap, if there is one."""
        step = next(steps, None)
        if step is not None:
            heapq.heappush(self._due, (from_time + step.after, next(self._order), steps, step))

    def _work(self) -> None:
        while taken := self._take():
            due, steps, step = taken
            answer, problem = self._send(step)
            with self._change:
                self.outcome.behind = max(
                    self.outcome.behind, time.monotonic() - due - (answer.seconds if answer else 0)
                )
                self._note(step, answer, problem)
                if not problem:
                    self._push(steps, time.monotonic())
                self._under_way -= 1
                self._change.notify_all()
        self._sender.close()

    def _take(self) -> tuple[float, Steps, PlayedStep] | None:
        """Wait for the next request that is due; None when there will be no more."""
        with self._change:
            while not self._stopped:
                if not self._due and not self._under_way:
                    return None
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    due, _, steps, step = heapq.heappop(self._due)
                    self._under_way += 1
                    if step.kind == "click":
                        self._admit()
                        self._on_progress(self._came, self._total)
                    return due, steps, step
                self._change.wait(wait)
        return None

    def _send(self, step: PlayedStep) -> tuple[HttpAnswer | None, str]:
        try:
            answer = self._sender.send(step.request)
        except Unreachable as error:
            return None, f"got no answer: {error}"
        return answer, step.problem(answer)

    def _note(self, step: PlayedStep, answer: HttpAnswer | None, problem: str) -> None:
        outcome = self.outcome
        if answer:
            reply = answer.json().get("outcome") if step.kind == "postback" else None
            outcome.answers[step.kind, str(reply or answer.status)] += 1
            outcome.seconds[step.kind].append(answer.seconds)
        if problem:
            outcome.problems[f"{step.request.method} {step.request.target.partition('?')[0]} {problem}"] += 1
