"""What kills its worker each time is found, set aside and named, and the job goes on without it."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.store import Store, counts, open_store
from engine.store.units import SET_ASIDE, read_set_aside
from tests.e2e.fatal import install_fatal
from tests.e2e.programs import PROGRAM, environment, in_terminal
from tests.engine.jobs.stored import number, rows

PROMPTS = 20


class FatalArena:
    """Two players and a judge of kind `fatal` on twenty prompts; the options of one of them let it die."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "arena.db"
        self.logs = folder / "asked.log"
        install_fatal(folder / "packages")
        prompts = [{"id": f"q{i}", "prompt": f"question {i}."} for i in range(PROMPTS)]
        (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, prompts)))

    def run(self, **options: dict[str, str]) -> tuple[int, list[dict[str, Any]], str]:
        """A batch in a process of its own: exit code, events, stderr."""
        lines = ["[run]\nname = 'fatal'\n[prompts]\nfile = 'prompts.jsonl'"]
        for section in ("players.ada", "players.bob", "judges.eve"):
            given = {"log": str(self.logs), **options.get(section.split(".")[1], {})}
            lines.append(f"[{section}]\nkind = 'fatal'\n[{section}.options]")
            lines += [f"{name} = {json.dumps(value)}" for name, value in given.items()]
        (self.folder / "plan.toml").write_text("\n".join(lines))
        command = [*PROGRAM, "--batch", self.folder / "plan.toml", "--store", self.path, "--json"]
        done = subprocess.run(
            command,
            env=environment(PYTHONPATH=str(self.folder / "packages")),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def last_in_hand(self) -> list[str]:
        """What was in hand when somebody asked last."""
        return self.logs.read_text().splitlines()[-1].split("|")


@pytest.fixture
def fatal(tmp_path: Path) -> FatalArena:
    return FatalArena(tmp_path)


def warnings(events: list[dict[str, Any]]) -> list[str]:
    return [event["text"] for event in events if event["event"] == "warning"]


def check_rest_is_decided(store: Store, reason: str) -> None:
    assert rows(store, "SELECT state, reason, COUNT(*) FROM battles GROUP BY state, reason") == [
        ("decided", None, PROMPTS - 1),
        ("waiting", reason, 1),
    ]
    assert counts.differences(store.reader, 1) == []
    assert number(store, "SELECT COUNT(*) FROM units WHERE state != 'set_aside'") == 0


@pytest.mark.parametrize(
    ("who", "noun", "dies_on"),
    [("ada", "response", "question 7."), ("eve", "verdict", "ada on question 7.")],
)
def test_what_kills_three_workers_is_set_aside(fatal: FatalArena, who: str, noun: str, dies_on: str) -> None:
    dying, reason = {who: {"dies_on": dies_on}}, f"set-aside {noun}"
    in_hand, told_alone = [], []
    for _ in range(3):
        code, events, _ = fatal.run(**dying)
        assert code == -signal.SIGKILL
        in_hand.append(fatal.last_in_hand())
        told_alone.append(any("asked alone, before all else" in text for text in warnings(events)))
    assert told_alone == [False, False, True]
    assert len(in_hand[0]) > 1, "the first died with others in hand, or this test shows nothing"
    assert len(in_hand[2]) == 1, "the third was asked alone"
    code, events, _ = fatal.run(**dying)
    assert code == 0
    (told,) = [text for text in warnings(events) if "is set aside" in text]
    assert f"the {noun} of '{who}' on prompt 'q7'" in told
    assert any(f"1 x {reason}" in text for text in warnings(events))
    with open_store(fatal.path) as store:
        check_rest_is_decided(store, reason)
        (aside,) = read_set_aside(store.reader, 1)
        assert (aside.by, aside.prompt, aside.kills) == (who, "q7", 3)
        failed = {
            "response": "SELECT error FROM responses WHERE status = 'failed'",
            "verdict": "SELECT reason FROM verdicts WHERE status = 'failed'",
        }
        assert rows(store, failed[noun]) == [(SET_ASIDE,)]
    shown = in_terminal("jobs", "show", "1", ARENA_TUI_STORE=str(fatal.path), size=(24, 200))[1].decode()
    assert f"set aside: '{who}' on prompt 'q7'" in shown
    assert fatal.run()[0] == 0  # a new job of the same plan asks again
    with open_store(fatal.path) as store:
        assert rows(store, "SELECT state, COUNT(*) FROM battles GROUP BY state") == [("decided", PROMPTS)]
        assert counts.differences(store.reader, 1) == []


def test_two_that_kill_are_found_one_after_the_other(fatal: FatalArena) -> None:
    """Whether or not they lie among the same eight: at most three workers die of each."""
    codes = []
    while not codes or codes[-1] == -signal.SIGKILL:
        codes.append(fatal.run(ada={"dies_on": "9."})[0])  # on questions 9 and 19
    assert codes[-1] == 0
    assert len(codes) <= 7
    with open_store(fatal.path) as store:
        assert {one.prompt for one in read_set_aside(store.reader, 1)} == {"q9", "q19"}
        assert number(store, "SELECT COUNT(*) FROM battles WHERE state = 'decided'") == PROMPTS - 2
