"""A small arena whose players and judge are real HTTP servers on loopback, for tests of whole runs."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.battles.progress import Progress, RunEvent
from engine.jobs.worker import Batch, run_batch
from engine.plan import read_plan
from engine.store import Store, open_store
from tests.servers.loopback import LoopbackServer, Request
from tests.servers.openai_server import Behaviour, Served, answer

PLAYERS = ("ada", "bob", "eve")
SKILL = {"ada": 9, "bob": 6, "eve": 3}


def verdict(first: float, second: float) -> Behaviour:
    """A judge's reply that follows the schema."""
    return answer(json.dumps({"explanation": "as it is", "score_first": first, "score_second": second}))


def judge_by_skill(request: Request) -> Behaviour:
    """Scores each response by who wrote it, which the players' answers say."""
    page = request.json["messages"][-1]["content"]
    shown = [part.split("-----END", 1)[0] for part in page.split("RESPONSE ")[1:] if "i am " in part]
    first, second = (SKILL[text.split("i am ")[1].split()[0]] for text in shown[:2])
    return verdict(first, second)


@dataclass
class Arena:
    """Servers, a plan and a store in a folder."""

    folder: Path
    loopback: LoopbackServer
    prompts: int = 12
    served: dict[str, Served] = field(default_factory=dict)
    judge: Served = field(init=False)
    events: list[RunEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in PLAYERS:
            self.served[name] = Served(self.loopback, model=name)
            self.served[name].choose = self._says(name)
        self.judge = Served(self.loopback, model="judge")
        self.judge.choose = judge_by_skill
        rows = [
            {"id": f"q{i}", "prompt": f"question {i}", "category": "ab"[i % 2]} for i in range(self.prompts)
        ]
        (self.folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)))

    @property
    def path(self) -> Path:
        return self.folder / "arena.db"

    def _says(self, name: str) -> Callable[[Request], Behaviour]:
        return lambda request: answer(f"i am {name} and heard {request.json['messages'][-1]['content']}")

    def plan_text(self, run: str = "", judge: str = "") -> str:
        lines = ["[run]", "name = 'loop'", run, "[prompts]", "file = 'prompts.jsonl'"]
        for name in PLAYERS:
            lines += [
                f"[players.{name}]",
                "kind = 'http'",
                f"model = '{name}'",
                f"endpoints = ['{self.served[name].url}']",
            ]
        lines += [
            "[judges.judge]",
            "kind = 'llm'",
            "model = 'judge'",
            f"endpoints = ['{self.judge.url}']",
            "options = { player = { structured = 'json_schema' } }",  # nothing is tried when it is opened
            judge,
        ]
        return "\n".join(lines)

    def write_plan(self, run: str = "", judge: str = "") -> Path:
        plan = self.folder / "plan.toml"
        plan.write_text(self.plan_text(run, judge))
        return plan

    def open(self) -> Store:
        return open_store(self.path, writable=True)

    def run(
        self, *sets: str, limit: int | None = None, dry_run: bool = False, run: str = "", judge: str = ""
    ) -> Progress:
        """Run the plan to its end."""
        plan = self.write_plan(run, judge)
        with self.open() as store:
            batch = Batch(store, read_plan(plan, sets), self.events.append, limit, dry_run)
            return asyncio.run(_run(batch))

    def asked_again(self, landed: int) -> int:
        """How many questions the judge was asked twice, in two runs of which the first gave up what was in flight
        when `landed` verdicts were kept. A request that was sent as that run ended may have come in only after it.
        """
        asked = Counter(request.body for request in self.judge.chats)
        questions = 2 * len(self.served) * self.prompts  # as many pairs as players, in both orders
        assert len(asked) == questions
        assert max(asked.values()) <= 2
        again = asked.total() - questions
        assert again <= questions - landed
        return again

    @property
    def player_calls(self) -> int:
        return sum(len(one.chats) for one in self.served.values())


async def _run(batch: Batch) -> Progress:
    return await run_batch(batch, asyncio.Event())
