"""How much of a server's time a run uses, beside the ways of others to ask the same server.

    python bench/runner.py [--battles 4096] [--latency 0.5] [--concurrency 256] [--repeats 1] [--memory BATTLES]

A server that answers each request after --latency with 1 kB runs in a process of its own (`endpoint.py`). A battle is
four requests: two responses and two games. Ideal is all of them at --concurrency, with no time in between.

    arena-tui           the command `arena-tui --batch`, from `started` to `finished`: two players at a quarter of the
                        concurrency each and a judge at half, so that all are busy from first to last; everything lands
                        in a store. `start` is set to the limit: the slow start is not what is measured.
    one judge           the same with the judge alone at the whole concurrency, the responses being there
    bare asyncio        aiohttp with as many tasks as requests may be in flight; replies are parsed and dropped
    thread pool         as Arena-Hard does: a ThreadPoolExecutor, a new OpenAI client for each request, one line of JSON
                        appended for each answer. Left out when `openai` is not installed.

CPU is seconds of a processor of the asking side alone. --memory runs so many battles of five players at a short latency
and prints the memory of the process in tenths of the way.
"""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import importlib.util
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from endpoint import served
from timing import machine_line

REQUESTS_PER_BATTLE = 4
PROMPT = "Question {number}: write a short text about a river, a bridge and the people who cross it. " * 3


@dataclass(frozen=True)
class Way:
    """How one program did.

    Attributes:
        requests: that were answered.
        wall, cpu: seconds.
    """

    name: str
    requests: int
    wall: float
    cpu: float

    def line(self, latency: float, concurrency: int) -> str:
        ideal = self.requests * latency / concurrency
        rate, each = self.requests / self.wall, 1e6 * self.cpu / self.requests
        return (
            f"{self.name:<16}{self.requests:>9,}{self.wall:>9.2f} s{rate:>9.1f}/s{100 * ideal / self.wall:>8.1f} %"
            f"{self.cpu:>9.2f} s{each:>9.0f} us"
        )


def plan(folder: Path, url: str, players: list[str], concurrency: int, judge_concurrency: int) -> Path:
    """A plan of these players and one judge, all behind one address."""
    lines = ["[run]", "name = 'bench'", "[prompts]", "file = 'prompts.jsonl'"]
    for name in players:
        lines += [f"[players.{name}]", "kind = 'http'", "model = 'm'", f"revision = '{name}'"]
        lines += [f"endpoints = ['{url}']", "sampling = { max_tokens = 400 }"]
        lines += [f"options = {{ concurrency = {concurrency}, start = {concurrency} }}"]
    many = judge_concurrency
    options = f"{{ player = {{ concurrency = {many}, start = {many}, structured = 'json_schema' }} }}"
    lines += [
        "[judges.judge]",
        "kind = 'llm'",
        "model = 'm'",
        f"endpoints = ['{url}']",
        f"options = {options}",
    ]
    made = folder / "plan.toml"
    made.write_text("\n".join(lines))
    return made


def write_prompts(folder: Path, number: int) -> None:
    rows = ({"id": f"q{i}", "prompt": PROMPT.format(number=i)} for i in range(number))
    (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)))


@dataclass(frozen=True)
class Told:
    """An event of a run, with the memory of its process in megabytes when it came."""

    event: dict[str, Any]
    memory: float


def run(made: Path) -> tuple[list[Told], float]:
    """Run a plan as the command does; its events, and seconds of processor from its start to its end."""
    store = made.parent / "bench.db"
    command = [sys.executable, "-P", "-m", "arena_tui", "--store", str(store), "--batch", str(made), "--json"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [Told(json.loads(line), _memory(process.pid)) for line in process.stdout]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"the run ended with {process.returncode}: {told[-1].event}")
    return told, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _memory(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _seconds(told: list[Told]) -> float:
    times = {one.event["event"]: one.event["time"] for one in told}
    return times["finished"] - times["started"]


def arena_tui(url: str, battles: int, concurrency: int) -> Iterator[Way]:
    """The whole run, and one in which only the judge has something to do."""
    quarter = concurrency // 4
    with tempfile.TemporaryDirectory() as folder:
        write_prompts(Path(folder), battles)
        told, cpu = run(plan(Path(folder), url, ["ada", "bob"], quarter, concurrency - 2 * quarter))
        yield Way("arena-tui", battles * REQUESTS_PER_BATTLE, _seconds(told), cpu)
        again = plan(Path(folder), url, ["ada", "bob"], quarter, concurrency)
        again.write_text(again.read_text().replace("[judges.judge]", "[judges.judge]\nrevision = 'second'"))
        told, cpu = run(again)
        yield Way("  one judge", battles * 2, _seconds(told), cpu)


def bodies(number: int) -> Iterator[bytes]:
    for i in range(number):
        message = {"role": "user", "content": PROMPT.format(number=i)}
        yield json.dumps({"model": "m", "messages": [message], "max_tokens": 400}).encode()


async def _bare(url: str, requests: int, concurrency: int) -> None:
    waiting = bodies(requests)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask() -> None:
            for body in waiting:
                async with session.post(f"{url}/chat/completions", data=body) as response:
                    json.loads(await response.read())["choices"][0]["message"]["content"]

        await asyncio.gather(*(ask() for _ in range(concurrency)))


def _pool(url: str, requests: int, concurrency: int) -> None:
    import openai

    def ask(out: str, number: int) -> None:
        client = openai.OpenAI(base_url=url, api_key="none")
        messages: Any = [{"role": "user", "content": PROMPT.format(number=number)}]
        answer = client.chat.completions.create(model="m", messages=messages, max_tokens=400)
        with Path(out).open("a") as file:
            file.write(json.dumps({"uid": number, "answer": answer.choices[0].message.content}) + "\n")

    with (
        tempfile.TemporaryDirectory() as folder,
        concurrent.futures.ThreadPoolExecutor(max_workers=concurrency) as executor,
    ):
        futures = [executor.submit(ask, f"{folder}/answers.jsonl", number) for number in range(requests)]
        for future in concurrent.futures.as_completed(futures):
            future.result()


def _work(done: Any, way: str, url: str, requests: int, concurrency: int) -> None:
    if way == "bare asyncio":
        asyncio.run(_bare(url, concurrency, concurrency))  # what is imported and made once is no part of it
    else:
        _pool(url, 2, 2)
    wall, cpu = time.perf_counter(), time.process_time()
    if way == "bare asyncio":
        asyncio.run(_bare(url, requests, concurrency))
    else:
        _pool(url, requests, concurrency)
    done.put((time.perf_counter() - wall, time.process_time() - cpu))


def other(way: str, url: str, requests: int, concurrency: int) -> Way:
    """One of the ways of others, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    process = context.Process(target=_work, args=(done, way, url, requests, concurrency))
    process.start()
    wall, cpu = done.get()
    process.join()
    return Way(way, requests, wall, cpu)


def compare(given: argparse.Namespace) -> None:
    requests = given.battles * REQUESTS_PER_BATTLE
    print(machine_line())
    print(f"{given.latency:g} s latency, {given.concurrency} in flight, 1 kB replies\n")
    print(f"{'':<16}{'requests':>9}{'wall':>11}{'rate':>11}{'of ideal':>10}{'CPU':>11}{'a request':>12}")
    with served("--latency", str(given.latency)) as url:
        for _ in range(given.repeats):
            for way in arena_tui(url, given.battles, given.concurrency):
                print(way.line(given.latency, given.concurrency), flush=True)
            print(
                other("bare asyncio", url, requests, given.concurrency).line(
                    given.latency, given.concurrency
                ),
                flush=True,
            )
            if importlib.util.find_spec("openai"):
                few = min(requests, given.pool_requests)
                print(
                    other("thread pool", url, few, given.concurrency).line(given.latency, given.concurrency),
                    flush=True,
                )
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")


def memory(given: argparse.Namespace) -> None:
    """Memory of a run of five players, ten battles a prompt, in tenths of the way."""
    prompts = given.memory // 10
    players = ["ada", "bob", "cyd", "dan", "eve"]
    print(machine_line())
    with served("--latency", "0.05") as url, tempfile.TemporaryDirectory() as folder:
        write_prompts(Path(folder), prompts)
        told, cpu = run(plan(Path(folder), url, players, 16, 128))
        size = (Path(folder) / "bench.db").stat().st_size / 1e6
    steps = [one for one in told if one.event["event"] == "progress"]
    for tenth in range(1, 11):
        at: Callable[[Told], float] = lambda one, t=tenth: abs(one.event["done"] / given.memory - t / 10)  # type: ignore[misc]  # noqa: E731
        found = min(steps, key=at)
        print(f"{found.event['done']:>9,} battles{found.memory:>9.1f} MB")
    print(f"{_seconds(told):.0f} s, {cpu:.0f} s of processor, store {size:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--battles", type=int, default=4096)
    parser.add_argument("--latency", type=float, default=0.5)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--pool-requests", type=int, default=1024, help="of the thread pool, at most")
    parser.add_argument("--memory", type=int, default=0, metavar="BATTLES")
    given = parser.parse_args()
    memory(given) if given.memory else compare(given)


if __name__ == "__main__":
    main()
