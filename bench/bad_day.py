"""How much of a clean run's speed is left on a bad day.

    python bench/bad_day.py [--requests 2000] [--latency 0.5 0.1] [--concurrency 32] [--faults 0.1] [--retry-after 2]
                            [--deadline 5] [--repeats 3]

The http player asks a server in a process of its own (`endpoint.py`) for --requests answers, without faults and then
with a share of FAULTS: too busy with and without Retry-After, errors, resets, cut and empty bodies, no answer at all.
What failed by its deadline is asked once more, as a run does. `floor` is how long any client takes that keeps to
Retry-After and gives a silent server as long as ours does: the same requests and faults, simulated with no time in
between. Its tail is what a short run cannot make up for: who is told at the end to come again in 2 s, comes in 2 s.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from endpoint import FAULTS, served
from timing import machine_line

sys.path.insert(0, str(Path(__file__).parents[1]))

from engine.players.base import ChatReply, ChatRequest, PlayerSpec
from engine.players.http import HttpOptions, HttpPlayer
from engine.records import Message, ResponseStatus, Sampling


@dataclass(frozen=True)
class Day:
    """What a run came to.

    Attributes:
        seconds: from the first request to the last answer.
        statuses: of the responses in the end.
        again: how many had another go.
    """

    seconds: float
    statuses: Counter[str]
    again: int


class Requests(Iterator[ChatRequest]):
    """What is to be asked, as a run hands it out: one that met its limits comes once more, before what is new."""

    def __init__(self, number: int) -> None:
        self._left = deque(f"k{i}" for i in range(number))
        self._again: set[str] = set()

    def __next__(self) -> ChatRequest:
        if not self._left:
            raise StopIteration
        key = self._left.popleft()
        return ChatRequest(key, (Message("user", f"question {key}"),), Sampling())

    def failed(self, key: str) -> None:
        if key not in self._again:
            self._again.add(key)
            self._left.appendleft(key)

    @property
    def again(self) -> int:
        return len(self._again)


async def spend(url: str, given: argparse.Namespace) -> Day:
    """A day with that server."""
    options = {"concurrency": given.concurrency, "start": given.start, "deadline_s": given.deadline}
    HttpOptions(**options)
    player = HttpPlayer.from_plan("p", PlayerSpec("p", "m", endpoints=(url,), options=options))
    await player.open()
    rows: dict[str, ChatReply] = {}
    requests = Requests(given.requests)
    started = time.perf_counter()
    async with aclosing(player.chat(requests)) as replies:
        async for reply in replies:
            rows[reply.key] = reply
            if reply.retryable:
                requests.failed(reply.key)
    seconds = time.perf_counter() - started
    await player.close()
    return Day(seconds, Counter(reply.status.value for reply in rows.values()), requests.again)


def floor(given: argparse.Namespace, latency: float, seed: int) -> float:
    """Seconds of the run with no time lost: `concurrency` places, faults drawn as the server draws them."""
    draw = random.Random(seed)
    places = [0.0] * given.concurrency
    waiting = [(0.0, i) for i in range(given.requests)]
    end = 0.0
    while waiting:
        ready, number = heapq.heappop(waiting)
        start = max(ready, heapq.heappop(places))
        fault = draw.choice(FAULTS) if draw.random() < given.faults else None
        over = start + (given.deadline / 2 if fault == "hang" else latency)
        heapq.heappush(places, over)
        if fault is not None:
            wait = draw.uniform(0, given.retry_after) if fault.endswith("in seconds") else 0.0
            heapq.heappush(waiting, (over + wait, number))
        end = max(end, over)
    return end


def compare(given: argparse.Namespace, latency: float) -> None:
    quiet = ("--latency", str(latency))
    bad = (*quiet, "--faults", str(given.faults), "--retry-after", str(given.retry_after))
    for seed in range(1, given.repeats + 1):
        with served(*quiet) as url:
            clean = asyncio.run(spend(url, given))
        with served(*bad, "--seed", str(seed)) as url:
            day = asyncio.run(spend(url, given))
        ok = day.statuses[ResponseStatus.OK.value]
        print(
            f"{latency:>7g} s{clean.seconds:>9.2f} s{day.seconds:>9.2f} s{clean.seconds / day.seconds:>8.2f}"
            f"{floor(given, latency, seed):>9.2f} s{ok:>7,}{day.again:>7}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--latency", type=float, nargs="+", default=[0.5, 0.1])
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--start", type=int, default=8)
    parser.add_argument("--faults", type=float, default=0.1)
    parser.add_argument("--retry-after", type=float, default=2.0)
    parser.add_argument("--deadline", type=float, default=5.0)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    print(machine_line())
    print(f"{given.requests:,} requests, {given.concurrency} in flight, {100 * given.faults:g} % faults\n")
    print(f"{'latency':>9}{'clean':>11}{'bad day':>11}{'ratio':>8}{'floor':>11}{'ok':>7}{'again':>7}")
    for latency in given.latency:
        compare(given, latency)


if __name__ == "__main__":
    main()
