"""Stored rows as files for trainers, read back by others' libraries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.flywheel.exporting.files import FileFormat, replacing, write
from engine.flywheel.exporting.llama_factory import export_llama_factory
from engine.flywheel.exporting.rows import TrainingRow, fill, training_rows
from engine.flywheel.exporting.trl import trl_columns, trl_rows
from engine.flywheel.selection.choosing import choose
from engine.flywheel.selection.keeping import keep
from engine.records import Conversation, Message
from engine.store import Store
from engine.store.selections import read_selection
from engine.training.rows import read_rows as read_training_rows
from tests.engine.flywheel.fighting import Ring

HOSTILE = "é \x00 \u2028 \u202e \x1b]0;x\x07 \"quoted\", 'and' =1+1 \r\n 🦊 </s>"
LOST = {("me", "ann"): [(2, 8)]}
ALLOW = ("special-tokens", "hidden")

TWO = Conversation(
    (
        Message("system", "Be brief."),
        Message("user", "Name a fruit."),
        Message("assistant", "Fig."),
        Message("user", "Another."),
        Message("assistant", None),
        Message("user", HOSTILE),
        Message("assistant", None),
    )
)


def rows_of(ring: Ring, stage: str) -> list[TrainingRow]:
    with ring.store.write() as tx:
        number, _ = keep(tx, choose(ring.pool(stage, allow=ALLOW)))
    return list(training_rows(ring.store.reader, read_selection(ring.store.reader, number)))


@pytest.fixture
def ring(store: Store) -> Ring:
    """One prompt with a single open turn, and one with two behind a given history."""
    made = Ring(store)
    made.fought(f"Say {HOSTILE}", {"me": "no", "ann": HOSTILE}, LOST, name="one")
    made.fought(
        TWO, {"me": ["Mud.", "Clay."], "ann": ["Plum.", "Pear."]}, {("me", "ann"): [(4, 8)]}, name="two"
    )
    return made


def messages(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in turns]


def test_history_is_kept_and_all_open_turns_are_answers(ring: Ring) -> None:
    one, two = rows_of(ring, "dpo")
    assert one.prompt == messages(("user", f"Say {HOSTILE}"))
    assert (one.chosen, one.rejected) == (messages(("assistant", HOSTILE)), messages(("assistant", "no")))
    assert two.prompt == messages(
        ("system", "Be brief."), ("user", "Name a fruit."), ("assistant", "Fig."), ("user", "Another.")
    )
    assert two.chosen == messages(("assistant", "Plum."), ("user", HOSTILE), ("assistant", "Pear."))
    assert two.rejected == messages(("assistant", "Mud."), ("user", HOSTILE), ("assistant", "Clay."))


def test_what_was_not_answered_is_no_part_of_the_answer() -> None:
    prompt, answer = fill(TWO, ["Plum."])
    assert (prompt[-1]["content"], answer) == ("Another.", messages(("assistant", "Plum.")))


def test_rows_are_known_by_their_selection(ring: Ring) -> None:
    first = rows_of(ring, "sft")
    key = read_selection(ring.store.reader, 1).key
    assert [row.id for row in first] == [f"{key}/1", f"{key}/2"]
    assert all(row.rejected is None for row in first)


@pytest.mark.parametrize("form", FileFormat)
@pytest.mark.parametrize("stage", ["sft", "reward"])
def test_our_own_stages_read_what_is_written(
    form: FileFormat, stage: str, ring: Ring, tmp_path: Path
) -> None:
    rows = rows_of(ring, stage)
    path = tmp_path / f"rows.{form.value}"
    with replacing(path) as stream:
        assert write(trl_rows(rows), trl_columns(has_pairs=stage != "sft"), form, stream) == 2
    columns = ("completion",) if stage == "sft" else ("chosen", "rejected")
    read = read_training_rows([path], columns)
    assert [(one.id, one.prompt) for one in read] == [(row.id, row.prompt) for row in rows]
    assert [one.answers[columns[0]] for one in read] == [row.chosen for row in rows]
    if stage != "sft":
        assert [one.answers["rejected"] for one in read] == [row.rejected for row in rows]


@pytest.mark.torch
@pytest.mark.parametrize("form", FileFormat)
@pytest.mark.parametrize(("stage", "as_messages"), [("sft", False), ("sft", True), ("dpo", False)])
def test_datasets_loads_it_and_trl_knows_it(
    form: FileFormat, stage: str, as_messages: bool, ring: Ring, tmp_path: Path
) -> None:
    datasets = pytest.importorskip("datasets")
    trl = pytest.importorskip("trl")
    rows = rows_of(ring, stage)
    path = tmp_path / f"rows.{form.value}"
    columns = trl_columns(has_pairs=stage != "sft", as_messages=as_messages)
    with replacing(path) as stream:
        write(trl_rows(rows), columns, form, stream)
    kind = "json" if form is FileFormat.JSONL else "parquet"
    loaded = datasets.load_dataset(
        kind, data_files=str(path), cache_dir=str(tmp_path / "cache"), split="train"
    )
    wanted = [{name: row[name] for name in columns} for row in trl_rows(rows)]
    assert [dict(one) for one in loaded] == wanted
    assert all(trl.is_conversational(one) for one in loaded)


@pytest.mark.parametrize("form", FileFormat)
def test_llama_factory_gets_an_entry_beside_its_own(form: FileFormat, ring: Ring, tmp_path: Path) -> None:
    (tmp_path / "dataset_info.json").write_text('{"alpaca": {"file_name": "alpaca.json"}}')
    told = export_llama_factory(rows_of(ring, "sft"), tmp_path, "rows", form, has_pairs=False)
    assert (told.rows, told.left_out) == (2, 0)
    info = json.loads((tmp_path / "dataset_info.json").read_text())
    assert info["alpaca"] == {"file_name": "alpaca.json"}
    entry = info["rows"]
    assert (entry["file_name"], entry["formatting"], entry["columns"]) == (
        f"rows.{form.value}",
        "sharegpt",
        {"messages": "messages"},
    )
    assert told.file.exists()
    assert list(tmp_path.glob("*.part")) == list(tmp_path.glob(".*.part")) == []


def test_llama_factory_holds_pairs_of_one_reply(ring: Ring, tmp_path: Path) -> None:
    told = export_llama_factory(rows_of(ring, "dpo"), tmp_path, "pairs", FileFormat.JSONL, has_pairs=True)
    assert (told.rows, told.left_out) == (1, 1)
    row = json.loads(told.file.read_bytes().split(b"\n")[0])
    assert row["messages"] == messages(("user", f"Say {HOSTILE}"))
    assert row["chosen"] == {"role": "assistant", "content": HOSTILE}
    assert row["rejected"] == {"role": "assistant", "content": "no"}
    entry = json.loads((tmp_path / "dataset_info.json").read_text())["pairs"]
    assert entry["ranking"] is True
    assert entry["columns"] == {"messages": "messages", "chosen": "chosen", "rejected": "rejected"}


def test_two_system_messages_or_users_in_a_row_do_not_alternate(tmp_path: Path) -> None:
    said = messages(("user", "a"), ("user", "b"))
    row = TrainingRow("x/1", said, messages(("assistant", "c")), None)
    told = export_llama_factory([row], tmp_path, "rows", FileFormat.JSONL, has_pairs=False)
    assert (told.rows, told.left_out) == (0, 1)


@pytest.mark.parametrize("text", ["[]", "{", "\xff"])
def test_a_dataset_info_that_is_none_is_left_alone(text: str, tmp_path: Path) -> None:
    info = tmp_path / "dataset_info.json"
    info.write_text(text, encoding="latin-1")
    with pytest.raises(UserError):
        export_llama_factory([], tmp_path, "rows", FileFormat.JSONL, has_pairs=False)
    assert info.read_text(encoding="latin-1") == text
    assert not (tmp_path / "rows.jsonl").exists()
