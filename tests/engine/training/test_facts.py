"""Facts that a process appends and another follows."""

from __future__ import annotations

import json
from pathlib import Path

from engine.training.facts import Facts, Tail


def test_only_whole_lines_are_read_and_each_once(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path)
    assert tail.new() == []
    facts = Facts(path)
    facts.tell("step", step=1)
    with path.open("a") as file:
        file.write('{"event": "st')
    assert [fact["step"] for fact in tail.new()] == [1]
    with path.open("a") as file:
        file.write('ep", "step": 2}\n')
    assert [fact["step"] for fact in tail.new()] == [2]
    assert tail.new() == []


def test_a_line_torn_by_a_kill_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"event": "step", "step": 1}\n{"event": "ste')
    Facts(path).tell("step", step=2)
    assert [fact["step"] for fact in Tail(path).new()] == [1, 2]


def test_what_is_no_number_becomes_null(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    Facts(path).tell("step", loss=float("nan"), metrics={"a": float("inf"), "b": [1.5]}, path=tmp_path)
    (line,) = path.read_text().splitlines()
    fact = json.loads(line, parse_constant=lambda name: 1 / 0)
    assert fact["loss"] is None
    assert fact["metrics"] == {"a": None, "b": [1.5]}
    assert fact["path"] == str(tmp_path)


def test_all_but_the_first_process_tell_nobody(tmp_path: Path) -> None:
    Facts(None).tell("step", step=1)
    assert list(tmp_path.iterdir()) == []
