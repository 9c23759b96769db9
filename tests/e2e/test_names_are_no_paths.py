"""Names of models are names: one that is a path, a twin or a book stays itself and touches no file (fault F37)."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from tests.cli.battle_logs import write_battles
from tests.cli.commanding import command

CANARY = "the canary sings"

PATHS = [
    "canary.txt",
    "./canary.txt",
    "../canary.txt",
    "file:canary.txt",
    "~/canary.txt",
    "@canary.txt",
    ".",
    "..",
    "/",
]
TWINS = [
    "Llama",
    "llama",
    "LLAMA",
    "Ilama",
    "llаma",
    "é",
    "e\u0301",
    "ﬁne",
    "fine",
    "K",
    "\u212a",
    " x",
    "x",
    "x ",
]
"""By case, look-alike (the a is Cyrillic), composed or not, compatibility form, space."""
ODD = [
    "nan",
    "null",
    "None",
    "0",
    "1e3",
    "-1",
    "--json",
    "-h",
    "*",
    "a,b",
    "a\nb",
    "x" * 5000,
    "CON",
    "NUL",
    "%s{0}",
]
NAMES = [*PATHS, *TWINS, *ODD]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names") / "home" / "work"
    folder.mkdir(parents=True)
    for place in (folder, folder.parent):
        (place / "canary.txt").write_text(CANARY)
    return folder


@pytest.fixture(scope="module")
def store(home: Path) -> Path:
    """A store in which each name met each other one, once."""
    pairs = list(permutations(NAMES, 2))
    battles = [(a, b, ("model_a", "tie")[i % 2], f"q{i}", "c") for i, (a, b) in enumerate(pairs)]
    log = write_battles(home.parent / "log.csv", battles)
    store = home.parent / "arena.db"
    done = command("import", "arena", log, "--arena", "../canary.txt", "--judge", "/canary.txt", store=store)
    assert done.code == 0, done.err
    return store


@pytest.fixture(autouse=True)
def _at_home(home: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work where the canaries are, and find all files as they were afterwards."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home.parent))
    before = files(home.parent)
    yield
    assert files(home.parent) == before


def files(folder: Path) -> dict[str, bytes]:
    """All files but the store's own."""
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "arena.db" not in path.name
    }


def test_every_name_is_listed_exactly_and_once(store: Path) -> None:
    listed = [one["name"] for one in command("models", "list", "--json", store=store).json]
    assert sorted(listed) == sorted(NAMES)
    rated = [one["model"] for one in command("leaderboard", "--json", store=store).json["models"]]
    assert sorted(rated) == sorted(NAMES)
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in NAMES}) < len(
        NAMES
    )  # twins there are


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_a_name_finds_itself_and_no_twin(name: str, store: Path) -> None:
    found = command("verdicts", "list", f"--model={name}", "--limit", "500", "--json", store=store).json
    assert len(found) == 2 * (len(NAMES) - 1)
    assert all(name in (one["a"], one["b"]) for one in found)


def test_no_command_reads_or_writes_what_a_name_points_to(store: Path, tmp_path: Path) -> None:
    said = []
    for arguments in (
        ["leaderboard"],
        ["leaderboard", "--anchor", "canary.txt"],
        ["leaderboard", "--arena", "../canary.txt", "--judge", "/canary.txt"],
        ["compare", "--", "canary.txt", "../canary.txt"],
        ["matrix", "--format", "csv"],
        ["verdicts", "show", "1", "--raw"],
        ["verdicts", "stats"],
        ["models", "flags"],
        ["export", "battles"],
        ["export", "models", "--out", str(tmp_path / "models.csv")],
        ["models", "alias", "canary.txt", "../canary.txt"],
        ["models", "alias", "canary.txt", "canary.txt"],
        ["arenas", "rename", "../canary.txt", "~/canary.txt"],
        ["arenas", "rename", "~/canary.txt", "../canary.txt"],
    ):
        done = command(*arguments, store=store)
        assert done.code == 0, (arguments, done.err)
        said.append(done.out + done.err)
    assert CANARY not in "".join(said)


def test_a_name_of_5000_characters_is_shortened_with_a_mark_and_whole_in_json(store: Path) -> None:
    table = command("leaderboard", width=80, store=store).out
    assert "x…x" in table
    assert "x" * 80 not in table
    assert "--json has it whole" in table
    rows = command("export", "models", store=store).out.rstrip("\n").split("\n")
    assert "x" * 5000 in {json.loads(row)["model"] for row in rows}
