"""Plans for tests, written to files and read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PlanError, Problem
from engine.plan import EffectivePlan, read_plan

PLAN = """\
[run]
name = "spring"

[prompts]
set = "pocket:test"

[players.llama]
kind = "http"
model = "llama-3"
endpoints = ["http://localhost:8000/v1"]

[players.qwen]
kind = "recorded"

[judges.scorer]
kind = "checker"
"""
"""A plan without a mistake."""


def write(folder: Path, text: str | bytes = PLAN, name: str = "spring.toml") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(folder: Path, text: str = PLAN, *sets: str) -> EffectivePlan:
    """Read a plan of this text without its plug-ins."""
    return read_plan(write(folder, text), sets, options=False)


def mistakes(folder: Path, text: str, *sets: str) -> tuple[Problem, ...]:
    """All problems of a plan of this text, which has to have some."""
    with pytest.raises(PlanError) as raised:
        read(folder, text, *sets)
    return raised.value.problems


def line_of(text: str, words: str) -> int:
    """The 1-based line of the only place where these words stand."""
    assert text.count(words) == 1
    return text[: text.index(words)].count("\n") + 1
