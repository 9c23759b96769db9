"""`doctor`, `store salvage`, and a mirror's copy, as commands."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from arena_tui.terminal import terminal_findings
from engine.store import filesystem
from engine.store.owner import Owner, Watch, claim
from tests.cli.commanding import command
from tests.cli.conftest import Played
from tests.cli.schemas import check_command


def test_the_doctor_finds_this_machine_fit(few: Path) -> None:
    shown = command("doctor", "--json", store=few)
    check_command("doctor", shown.json)
    assert (shown.code, shown.json["ok"]) == (0, True)
    told = command("doctor", store=few)
    assert told.code == 0
    assert all(line.startswith(("ok ", "warning ", " " * 8)) for line in told.lines)


def test_a_problem_is_1_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "_mounts", lambda: [("/", "ext4"), (str(tmp_path), "lustre")])
    told = command("doctor", store=tmp_path / "arena.db")
    assert told.code == 1
    assert "problem  file system:" in told.out
    assert "--mirror DIR" in told.out
    assert told.err == "1 problem\n"


def test_the_doctor_asks_the_servers_of_a_plan(played: Played) -> None:
    shown = command("doctor", "--json", "--plan", played.folder / "plan.toml", store=played.store)
    check_command("doctor", shown.json)
    assert "players.ada" in {one["topic"] for one in shown.json["findings"]}


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "16 million colours"),
        ({"TERM": "xterm-256color"}, "256 colours"),
        ({"TERM": "dumb"}, "no colours and no cursor"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "as NO_COLOR asks"),
        ({"TERM": "screen", "TMUX": "/tmp/x,1,0"}, "inside tmux with TERM screen"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x,1,0"}, "inside tmux"),
    ],
)
def test_a_terminal_says_what_it_can(
    environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert any(said in one.text for one in terminal_findings(environment))


def test_salvaging_a_sound_store_loses_nothing(few: Path, tmp_path: Path) -> None:
    out = tmp_path / "saved.db"
    shown = command("store", "salvage", few, "--out", out, "--json")
    check_command("store salvage", shown.json)
    assert (shown.code, shown.json["complete"], shown.json["tables"]["battles"]["kept"]) == (0, True, 240)
    assert command("store", "check", store=out).code == 0
    again = command("store", "salvage", few, "--out", out)
    assert again.code == 1
    assert "exists already" in again.err


def test_what_was_lost_is_said_by_table(few: Path, tmp_path: Path) -> None:
    damaged, out = tmp_path / "damaged.db", tmp_path / "saved.db"
    shutil.copyfile(few, damaged)
    with damaged.open("r+b") as file:
        file.truncate(damaged.stat().st_size * 9 // 10 // 4096 * 4096)
    told = command("leaderboard", store=damaged)
    assert told.code == 1
    assert "is damaged" in told.err
    assert "Traceback" not in told.err
    saved = command("store", "salvage", damaged, "--out", out)
    assert saved.code == 1
    assert "battles" in saved.out
    assert command("store", "check", store=out).out.count("damaged") == 0


def test_a_mirrors_copy_is_read_with_its_age(few: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    owner = Owner(0, "w", "node7", "b", "", 1, 1.0, "/scratch/arena.db")
    claim(folder, owner, Watch(lambda owner: True)).note_copy(time.time() - 200)
    shutil.copyfile(few, folder / "arena.db")
    shown = command("leaderboard", "--json", "--store", folder / "arena.db")
    assert shown.code == 0
    assert shown.err.startswith("copy of node7's store, 3 min 2")
    assert shown.json["battles"] == 240
    refused = command("arenas", "rename", "few", "many", "--store", folder / "arena.db")
    assert refused.code == 1
    assert "the copy that a mirror keeps of node7's store" in refused.err


def test_a_network_store_is_allowed_by_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: Path
) -> None:
    monkeypatch.setattr(filesystem, "_mounts", lambda: [("/", "ext4"), (str(tmp_path), "nfs4")])
    log = command("export", "battles", "--out", tmp_path / "b.jsonl", store=few)
    assert log.code == 0
    path = tmp_path / "arena.db"
    refused = command("--store", path, "import", "arena", tmp_path / "b.jsonl")
    assert refused.code == 1
    assert "--allow-network-store" in refused.err
    taken = command("--allow-network-store", "--store", path, "import", "arena", tmp_path / "b.jsonl")
    assert taken.code == 0, taken.err
    assert not list(tmp_path.glob("*-wal"))
