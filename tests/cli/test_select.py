"""`select` as a person meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.store import open_store
from tests.cli.commanding import Result, command
from tests.engine.flywheel.fighting import Ring
from tests.engine.flywheel.test_layouts import HOSTILE


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    path = tmp_path / "arena.db"
    with open_store(path, writable=True) as store:
        made = Ring(store)
        for number, gap in enumerate((1, 3, 5)):
            said = {"me": f"no {number}", "ann": f"yes {number} {HOSTILE}", "bob": f"well {number}"}
            scores = {("me", "ann"): [(2, 2 + gap)], ("me", "bob"): [(2, 2)], ("ann", "bob"): [(8, 5)]}
            made.fought(f"question {number}", said, scores, category="math")
    return path


def select(ring: Path, *arguments: str | Path) -> Result:
    return command("select", *arguments, store=ring)


ALLOW = ("--allow", "special-tokens", "--allow", "hidden")


def test_a_dry_run_shows_every_threshold_and_stores_nothing(ring: Path) -> None:
    shown = select(ring, "--target", "me", "--dry-run", *ALLOW)
    assert shown.code == 0
    table = [line.split() for line in shown.lines if line.startswith(tuple(" 012345")) and "." in line]
    assert [(row[0], row[1]) for row in table[:6]] == [
        ("0.0", "3"), ("1.0", "3"), ("2.0", "2"), ("3.0", "2"), ("4.0", "1"), ("5.0", "1"),
    ]  # fmt: skip
    assert "nothing is stored" in shown.err
    assert "nothing is held out" in shown.err
    assert select(ring, "list", "--json").json == []


def test_what_is_left_out_is_said_with_its_reason(ring: Path) -> None:
    shown = select(ring, "--target", "me", "--dry-run")
    assert "special-tokens" in shown.out
    assert "3 prompts with battles were looked at, and 0 rows kept" in shown.out


def test_kept_rows_are_shown_by_opponent_and_stage(ring: Path) -> None:
    assert "stored as selection 1" in select(ring, "--target", "me", "--round", "1", *ALLOW).err
    assert "the same as selection 1" in select(ring, "--target", "me", "--round", "1", *ALLOW).err
    select(ring, "--target", "me", "--stage", "dpo", "--round", "1", *ALLOW)
    shown = select(ring, "list", "--by", "opponent").lines
    assert shown[0].split() == ["opponent", "sft", "I1", "(1)", "dpo", "I1", "(2)"]
    assert shown[2].split() == ["ann", "3", "3"]
    assert "dpo I1" in select(ring, "show", "2").out


def test_hostile_text_is_exact_in_a_file_and_inert_on_a_terminal(ring: Path, tmp_path: Path) -> None:
    select(ring, "--target", "me", *ALLOW)
    out = tmp_path / "rows.jsonl"
    assert select(ring, "export", "1", "--out", out).err == f"3 rows of selection 1 written to {out}\n"
    rows = [json.loads(line) for line in out.read_bytes().split(b"\n")[:-1]]
    assert sorted(row["completion"][0]["content"] for row in rows) == [f"yes {n} {HOSTILE}" for n in range(3)]
    assert select(ring, "export", "1").out.encode() == out.read_bytes()


def test_parquet_by_the_ending_and_a_folder_for_llama_factory(ring: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    select(ring, "--target", "me", "--stage", "reward", *ALLOW)
    assert select(ring, "export", "1", "--out", tmp_path / "rows.parquet").code == 0
    assert pq.read_table(tmp_path / "rows.parquet").column_names == ["id", "prompt", "chosen", "rejected"]
    told = select(ring, "export", "1", "--layout", "llama-factory", "--out", tmp_path)
    assert (told.code, "dataset: arena_tui_reward_1" in told.err) == (0, True)
    assert "arena_tui_reward_1" in json.loads((tmp_path / "dataset_info.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stage", "sft"], "--target"),
        (["--target", "mee"], "Did you mean 'me'?"),
        (["--target", "me", "--stage", "ppo"], "--stage cannot be 'ppo'"),
        (["--target", "me", "--strategy", "batles"], "Did you mean 'battles'?"),
        (["--target", "me", "--option", "n"], "KEY=VALUE"),
        (["--target", "me", "--strategy", "cluster", "--option", "n_cluster=3"], "n_clusters"),
        (["--target", "me", "list"], "two things"),
        (["show", "7"], "there is no selection 7"),
        (["export", "1", "--out", "rows.txt"], "no format"),
        (["drop", "1"], "there is no selection 1"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_mistakes_are_told(arguments: list[str], said: str, ring: Path) -> None:
    shown = select(ring, *arguments)
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err


def test_a_selection_goes_when_it_is_meant(ring: Path) -> None:
    select(ring, "--target", "me", *ALLOW)
    assert select(ring, "drop", "1").code == 2
    assert select(ring, "drop", "1", "--yes").code == 0
    assert select(ring, "list", "--json").json == []
