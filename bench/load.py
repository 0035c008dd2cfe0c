"""Load from outside: wrk where it is on PATH, else our own generator; paced load is always our own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.generator import LoadResult, Plan
from config.embedded.places import ROOT

# wrk asks for the answers' times in microseconds; `status` counts answers of 400 and above.
SCRIPT = """
local targets = {%s}
local requests, turn = {}, 0
init = function(args)
  for i, target in ipairs(targets) do requests[i] = wrk.format("GET", target) end
end
request = function()
  turn = turn %% #requests + 1
  return requests[turn]
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {"answered": %%d, "seconds": %%f, "refused": %%d, "failures": %%d, "p50_ms": %%f, "p99_ms": %%f}\\n',
    summary.requests, summary.duration / 1e6, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


class LoadFailed(Exception):
    """The load generator failed; the text says why."""


@dataclass(frozen=True)
class Load:
    """The result of a load. `in_flight`: at most this many requests may have been cut off at the end."""

    answered: int
    seconds: float
    p50_ms: float
    p99_ms: float
    # Answers of 400 and above, and requests without an answer.
    refused: int
    failures: int
    in_flight: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    late_ms: float = 0.0

    @property
    def rate(self) -> float:
        return self.answered / self.seconds if self.seconds else 0.0


def by_wrk(
    wrk: str, *, port: int, targets: Sequence[str], headers: Sequence[str], seconds: float, connections: int, home: Path
) -> Load:
    """Full load by wrk, for whole seconds; requests still open at the end are cut off."""
    script = home / "load.lua"
    script.write_text(SCRIPT % ", ".join(json.dumps(target) for target in targets))
    command = [wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(script)]
    command += [part for line in headers for part in ("-H", line)]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=False)
    output = [line.removeprefix("RESULT ") for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not output:
        raise LoadFailed(f"wrk ended with {done.returncode}: {done.stdout}{done.stderr}")
    found = json.loads(output[0])
    answered = found.pop("answered") - found["refused"]
    return Load(answered=answered, in_flight=connections, **found)


def by_generator(plan: Plan) -> Load:
    """Load by our own generator, full or paced; it waits for every answer."""
    found = LoadResult(**_run(asdict(plan)))
    good = sum(number for status, number in found.statuses.items() if status < "400")
    return Load(
        answered=good,
        seconds=found.seconds,
        p50_ms=found.p50_ms,
        p99_ms=found.p99_ms,
        refused=sum(found.statuses.values()) - good,
        failures=found.failures,
        outcomes=found.outcomes,
        late_ms=found.late_ms,
    )


def _run(plan: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.generator"],
        input=json.dumps(plan), capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    if done.returncode:
        raise LoadFailed(f"The load generator ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
