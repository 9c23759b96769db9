from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.formats.arena import ArenaImporter
from engine.formats.rows import PromptRef
from tests.engine.formats.importing import run, write_jsonl

BATTLES = [
    {"id": 1, "prompt": 7, "left": "x", "right": "y", "winner": "left"},
    {"id": 2, "prompt": 8, "left": "x", "right": "y", "winner": "tie"},
    {"id": 3, "prompt": 7, "left": "y", "right": "x", "winner": "right"},
]
PROMPTS = [
    {"id": "7", "text": "Add 1 and 2.", "type": "add"},
    {"id": "9", "text": "Unused.", "type": "other"},
]


def test_prompts_come_once_before_their_battles(tmp_path: Path) -> None:
    battles, prompts = write_jsonl(tmp_path / "b.jsonl", BATTLES), write_jsonl(tmp_path / "p.jsonl", PROMPTS)
    imported = run(ArenaImporter(), battles, prompts=prompts, join="prompt")
    assert [(p.name, p.set_name, p.category) for p in imported.prompts] == [("7", "p", "add")]
    assert imported.prompts[0].conversation is not None
    assert imported.prompts[0].conversation.messages[0].content == "Add 1 and 2."
    assert [(b.prompt, b.category) for b in imported.battles] == [(PromptRef("p", "7"), "add")] * 2
    assert imported.reasons == {"its prompt is not in the file of prompts": 1}
    assert imported.layout.set_name == "p"


def test_bad_rows_of_the_file_of_prompts_are_told(tmp_path: Path) -> None:
    rows = [*PROMPTS, PROMPTS[0], {**PROMPTS[0], "text": "Another."}, {"text": "No id."}]
    battles, prompts = write_jsonl(tmp_path / "b.jsonl", BATTLES), write_jsonl(tmp_path / "p.jsonl", rows)
    imported = run(ArenaImporter(), battles, prompts=prompts, join="prompt=id")
    assert imported.reasons == {
        "duplicate id": 1,
        "id stands for two prompts": 1,
        "no id": 1,
        "its prompt is not in the file of prompts": 1,
    }


def test_one_name_for_two_texts_sets_the_second_aside(tmp_path: Path) -> None:
    pairs = [{"id": n, "text": f"text {n}"} for n in (1, 2, 3)]
    battles, prompts = write_jsonl(tmp_path / "b.jsonl", BATTLES), write_jsonl(tmp_path / "p.jsonl", pairs)
    imported = run(ArenaImporter(), battles, prompts=prompts, join="id")
    assert imported.reasons == {"prompt id stands for two texts": 1}


@pytest.mark.parametrize(
    ("join", "said"),
    [
        (None, "--prompts needs --join"),
        ("promt", "has no column 'promt' (did you mean 'prompt'?)"),
        ("prompt=idd", "has no column 'idd' (did you mean 'id'?)"),
    ],
)
def test_bad_joins(tmp_path: Path, join: str | None, said: str) -> None:
    battles, prompts = write_jsonl(tmp_path / "b.jsonl", BATTLES), write_jsonl(tmp_path / "p.jsonl", PROMPTS)
    with pytest.raises(UsageError) as error:
        run(ArenaImporter(), battles, prompts=prompts, join=join)
    assert said in str(error.value)
