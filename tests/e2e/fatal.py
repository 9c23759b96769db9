"""A player and a judge that kill their own process with SIGKILL on some prompts, as what runs out of memory does.

They are fakes, laid down as a package with plug-ins of kind `fatal`. Each takes up to eight requests at a time.
"""

from __future__ import annotations

from pathlib import Path

from tests.engine.plan.packages import install

SOURCE = '''
import os
import signal
import time
from itertools import islice

from pydantic import BaseModel

from engine import keys
from engine.judges.base import Question
from engine.players.base import ChatReply, ModelIdentity
from engine.records import ResponseStatus, Sampling, Verdict, VerdictKind, VerdictStatus


class Options(BaseModel):
    dies_on: str = "no such text"
    log: str = ""

    def asked(self, texts):
        """Note in a file what is in hand, and die of it where it says so."""
        if self.log:
            with open(self.log, "a") as file:
                file.write("|".join(texts) + "\\n")
        if any(self.dies_on in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)


class Player:
    Options = Options
    parallel, holds_schema, sampling = 8, False, Sampling()

    def __init__(self, name, options):
        self.name, self.options, self.notes = name, options, []

    @classmethod
    def from_plan(cls, name, spec):
        return cls(name, Options(**spec.options))

    def identity(self):
        return ModelIdentity("endpoint", {"model": self.name})

    async def open(self): ...
    async def close(self): ...
    async def try_schema(self, schema):
        return False

    async def chat(self, requests):
        requests = iter(requests)
        while batch := list(islice(requests, 8)):
            self.options.asked([request.messages[-1].content for request in batch])
            for request in batch:
                said = f"{self.name} on {request.messages[-1].content}"
                yield ChatReply(request.key, ResponseStatus.OK, said, finish_reason="stop")


class Judge:
    Options = Options
    kind, games = VerdictKind.SCORES, 2

    def __init__(self, name, options):
        self.name, self.options, self.notes = name, options, []

    @classmethod
    def from_plan(cls, name, spec, player=None, secret=b""):
        return cls(name, Options(**spec.options))

    def key(self):
        return keys.judge_key("fatal", {"name": self.name}, None, None)

    def facts(self):
        return {"kind": "fatal", "name": self.name}

    async def open(self): ...
    async def close(self): ...

    def question(self, shown):
        key = keys.compared_verdict_key(self.key(), shown.prompt_key, shown.first_key, shown.second_key, None)
        return Question(key, shown)

    async def judge(self, questions, attempt=0):
        questions = iter(questions)
        while batch := list(islice(questions, 8)):
            self.options.asked([question.shown.first.turns[0].answer for question in batch])
            for question in batch:
                first, second = (len(side.turns[0].answer) for side in (question.shown.first, question.shown.second))
                yield question, Verdict(self.kind, VerdictStatus.OK, (1.0 + first % 10, 1.0 + second % 10))
'''


def install_fatal(folder: Path) -> None:
    """Put the package into a folder that stands on the import path."""
    folder.mkdir()
    points = {
        "arena_tui.players": {"fatal": "fatal_plugins:Player"},
        "arena_tui.judges": {"fatal": "fatal_plugins:Judge"},
    }
    install(folder, "fatal-plugins", points, {"fatal_plugins": SOURCE})
