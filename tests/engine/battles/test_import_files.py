"""Several files in one import, and one after another: where a row stood, and which file it is of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.store import Store
from engine.store.imports import read_set_aside
from tests.engine.battles.carrying import take
from tests.engine.formats.importing import write_jsonl

Rows = list[dict[str, Any]]

PLAYED = {"model_a": "ann", "model_b": "bob", "winner": "model_a", "judge": "j"}
ASKED = {"question_id": "q1", "prompt_set": "questions"}


# Where a row stood that the store refuses


def first_battles(winner: str) -> Rows:
    return [{**PLAYED, **ASKED, "winner": winner, "source_id": "1"}]


def scores(score: int) -> Rows:
    return [{**ASKED, "model": "ann", "score": score, "judge": "j", "verdict_key": "1"}]


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        ("arena", lambda second: first_battles("model_b" if second else "model_a")),
        ("verdicts", lambda second: scores(1 + second)),
    ],
)
def test_what_the_store_refuses_is_shown_with_its_file(
    store: Store, tmp_path: Path, form: str, rows: Callable[[bool], Rows]
) -> None:
    paths = [write_jsonl(tmp_path / f"{name}.jsonl", rows(name == "feb")) for name in ("jan", "feb")]
    report = take(store, form, *paths, arena="votes")
    (group,) = report.set_aside
    assert [(one.file, one.line) for one in group.examples] == [(str(paths[1]), 1)]
    assert [(file, line) for _, file, line, _ in read_set_aside(store.reader, report.import_id)] == [
        (str(paths[1]), 1)
    ]
