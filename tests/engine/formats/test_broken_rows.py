"""Whatever is in a file: each of its rows is taken or set aside, and columns can stand in any order."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats.arena import ArenaImporter
from engine.formats.importer import TableImporter
from engine.formats.oasst import OasstImporter
from engine.formats.preferences import PreferencesImporter
from engine.formats.prompts import PromptsImporter
from engine.formats.responses import ResponsesImporter
from engine.formats.rows import BattleRow, ResponseRow, SetAside
from engine.formats.sharegpt import ShareGptImporter
from tests.engine.formats.importing import run, write_csv, write_jsonl
from tests.engine.formats.test_arena import conversation_row, kaggle_row, pandalm_row

TREE = {"message_id": "m", "role": "prompter", "text": "hi", "replies": []}
ANSWER = {"message_id": "n", "role": "assistant", "text": "yes", "rank": 0, "replies": []}
HH = "\n\nHuman: hi\n\nAssistant: "
GOOD: dict[str, tuple[TableImporter, dict[str, Any]]] = {
    "conversations": (ArenaImporter(), conversation_row()),
    "kaggle": (ArenaImporter(), kaggle_row()),
    "llmfao": (
        ArenaImporter(),
        {
            "id": 1,
            "prompt": 8,
            "model_x": 9,
            "model_y": 8,
            "worker": 3,
            "winner": "left",
            "left": "x",
            "right": "y",
        },
    ),
    "pandalm": (ArenaImporter(), pandalm_row()),
    "plain": (
        ArenaImporter(),
        {
            "id": 1,
            "model_a": "x",
            "model_b": "y",
            "winner": "tie",
            "category": "c",
            "round": 1,
            "margin": 0.5,
        },
    ),
    "prompts": (PromptsImporter(), {"idx": 1, "Skill": "s", "Difficulty": 3, "Instruction": "Do."}),
    "turns": (PromptsImporter(), {"question_id": 1, "category": "c", "turns": ["one", "two"]}),
    "responses": (
        ResponsesImporter(),
        {"prompt_id": 1, "model": "m", "response": "r", "finish_reason": "stop"},
    ),
    "sharegpt": (ShareGptImporter(), {"id": "i", "conversations": [{"from": "human", "value": "hi"}]}),
    "preferences": (PreferencesImporter(), {"id": 1, "chosen": HH + "a", "rejected": HH + "b"}),
    "oasst": (OasstImporter(), {"message_tree_id": "m", "prompt": {**TREE, "replies": [ANSWER]}}),
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.lists(st.none() | st.text(max_size=2), max_size=3),
    st.dictionaries(
        st.sampled_from(["role", "content", "from", "text", "replies"]), st.none() | st.text(), max_size=2
    ),
)


@st.composite
def broken_rows(draw: st.DrawFn, good: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows like a good one, with nulls and values of other types, unknown columns, in any order of columns."""
    rows = []
    for _ in range(draw(st.integers(1, 6))):
        row = dict(good)
        for name in draw(st.lists(st.sampled_from(sorted(good)), max_size=2, unique=True)):
            row[name] = draw(ODD)
        row |= draw(st.dictionaries(st.sampled_from(["extra", "note", "nan"]), ODD, max_size=2))
        rows.append({name: row[name] for name in draw(st.permutations(sorted(row)))})
    return rows


@pytest.mark.parametrize("layout", sorted(GOOD))
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_each_row_of_json_is_taken_or_set_aside(layout: str, data: st.DataObject) -> None:
    importer, good = GOOD[layout]
    rows = [good, *data.draw(broken_rows(good))]
    with tempfile.TemporaryDirectory() as folder:
        imported = run(importer, write_jsonl(Path(folder) / "t.jsonl", rows))
    if layout in ("prompts", "turns", "sharegpt"):  # a prompt has no line: each row is one
        assert len(imported.prompts) + sum(imported.reasons.values()) == len(rows)
        return
    taken = {row.line for row in imported.rows if isinstance(row, BattleRow | ResponseRow)}
    aside = Counter(row.line for row in imported.rows if isinstance(row, SetAside))
    assert taken | set(aside) == set(range(1, len(rows) + 1)) - no_battle(layout, imported.rows, rows)
    if layout not in ("pandalm", "oasst"):  # whose rows hold several things, each taken or set aside
        assert not taken & set(aside)
        assert set(aside.values()) <= {1}


def no_battle(layout: str, taken: Any, rows: list[dict[str, Any]]) -> set[int]:
    """Trees that are good and hold no two ranked answers: they give prompts alone, which have no line."""
    if layout != "oasst":
        return set()
    named = {row.line for row in taken if isinstance(row, SetAside | BattleRow)}
    return set(range(1, len(rows) + 1)) - named


CSV_LAYOUTS = ("kaggle", "llmfao", "plain", "prompts", "responses")


@pytest.mark.parametrize("layout", CSV_LAYOUTS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_each_row_of_csv_is_taken_or_set_aside(layout: str, data: st.DataObject) -> None:
    importer, good = GOOD[layout]
    names = data.draw(st.permutations([*sorted(good), "extra"]))
    rows = [{**good, "extra": 1}] + [
        {
            **good,
            "extra": "x",
            data.draw(st.sampled_from(sorted(good))): data.draw(st.text("ab1-é\n,\"'", max_size=4)),
        }
        for _ in range(data.draw(st.integers(1, 6)))
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = write_csv(Path(folder) / "t.csv", [{name: row[name] for name in names} for row in rows])
        imported = run(importer, path)
    taken = len(imported.prompts if layout == "prompts" else imported.battles or imported.responses)
    assert taken + sum(imported.reasons.values()) == len(rows)
    assert taken >= 1


@pytest.mark.parametrize("layout", sorted(GOOD))
def test_columns_can_stand_in_any_order(layout: str, tmp_path: Path) -> None:
    importer, good = GOOD[layout]
    forward = run(importer, write_jsonl(tmp_path / "t.jsonl", [good]))
    backward = run(
        importer, write_jsonl(tmp_path / "t.jsonl", [dict(reversed([*good.items(), ("extra", 1)]))])
    )
    assert forward.rows == backward.rows
    assert "extra" in backward.layout.ignored


@pytest.mark.parametrize("layout", sorted(GOOD))
def test_no_row_is_lost_when_the_file_is_cut_anywhere(layout: str, tmp_path: Path) -> None:
    importer, good = GOOD[layout]
    line = json.dumps(good)
    path = tmp_path / "t.jsonl"
    path.write_text(f"{line}\n{line[: len(line) // 2]}")
    assert run(importer, path).reasons == {"cut last line": 1}
