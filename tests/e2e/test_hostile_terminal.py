"""Hostile text in a real terminal: whoever wrote it (models, files, servers, people), it controls nothing."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from pathlib import Path

import pytest

from tests.cli.battle_logs import HOSTILE_NAMES, random_battles, write_battles
from tests.cli.commanding import command
from tests.e2e.programs import in_terminal
from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import LoopbackServer
from tests.servers.openai_server import answer

ATTACK = (
    "\x1b[2J\x1b[H\x1b]0;pwned\x07\x1b]52;c;cHduZWQ=\x07\x1bP+q\x1b\\\x1bc\x9b31m\x90q\x9c"
    "\u202eevil\u202c\u2066x\u2069\u200b\u2060\ufeff\U000e0041\ufe0f\u2028\u0085\x00\x08\x7f\r\x0e[bold]b[/bold]"
)
"""Clears the screen, sets title and clipboard, resets, C1 forms of these, reorders, hides, and is markup."""

OURS = re.compile(r"\x1b\[[01]m|\r\x1b\[K")
"""Bold on and off for headings, and the redrawn line of progress: all that we send."""


def assert_inert(data: bytes) -> None:
    """Nothing reached the terminal but text, ends of lines, and what we send ourselves."""
    text = OURS.sub("", data.decode("utf-8")).replace("\r\n", "\n").replace("\r", "")
    for letter in text:
        if letter in "\n\t\u200d\ufe0f":
            continue  # the last two: only within emoji, which test_inert holds to
        assert unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), hex(ord(letter))
    assert "\ufe0f" not in text.replace("❤\ufe0f", "")
    assert "\u200d" not in text.replace("👩\u200d💻", "")


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose models, prompts, categories, arena, judge and files have hostile names and texts."""
    folder = tmp_path_factory.mktemp("imported")
    log = folder / f"log{ATTACK}.csv".replace("/", "").replace("\x00", "")
    write_battles(log, [(a, b, w, f"{q}{ATTACK}", f"{c}{ATTACK}") for a, b, w, q, c in _battles()])
    with log.open("a") as file:
        file.write(f"{ATTACK},x,{ATTACK},q,c\n")
    store = folder / "arena.db"
    arguments = ["import", "arena", log, "--arena", f"arena{ATTACK}", "--judge", f"judge{ATTACK}"]
    assert command(*arguments, store=store).code == 0
    return store


def _battles() -> list[tuple[str, str, str, str, str]]:
    names = [name for name in HOSTILE_NAMES if len(name) < 500]
    return random_battles([*names, f"all{ATTACK}"], 200)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, loopback: LoopbackServer) -> Path:
    """A store of a run in which prompts, responses and the judge's explanations attack."""
    arena = Arena(tmp_path_factory.mktemp("played"), loopback, prompts=2)
    for served in arena.served.values():
        served.choose = lambda request: answer(f"answer {ATTACK}")
    said = {"explanation": f"because {ATTACK}", "score_first": 7, "score_second": 3}
    arena.judge.choose = lambda request: answer(json.dumps(said))
    rows = [{"id": f"q{i}{ATTACK}", "prompt": f"say {ATTACK}", "category": ATTACK} for i in range(2)]
    (arena.folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (arena.folder / "plan.toml").write_text(arena.plan_text())
    code, seen = in_terminal("--batch", arena.folder / "plan.toml", ARENA_TUI_STORE=str(arena.path))
    assert code == 0, seen
    assert_inert(seen)
    return arena.path


OF_AN_ARENA = [
    ["leaderboard"],
    ["leaderboard", "--all-columns"],
    ["leaderboard", "--format", "csv"],
    ["leaderboard", "--format", "markdown"],
    ["leaderboard", "--json"],
    ["matrix"],
    ["matrix", "--format", "csv"],
    ["verdicts", "list"],
    ["verdicts", "show", "1"],
    ["verdicts", "show", "1", "--raw"],
    ["verdicts", "show", "1", "--json"],
    ["models", "list"],
    ["arenas", "list"],
    ["jobs", "list"],
    ["imports", "list"],
    ["store", "info"],
    ["store", "check"],
    ["export", "battles"],
    ["export", "prompts", "--format", "csv"],
    ["export", "verdicts"],
    [],
]


@pytest.mark.parametrize("arguments", OF_AN_ARENA, ids=lambda one: " ".join(one) or "arena-tui")
def test_commands_on_an_imported_arena(arguments: list[str], imported: Path) -> None:
    code, seen = in_terminal(*arguments, ARENA_TUI_STORE=str(imported))
    assert code == 0, seen
    assert seen
    assert_inert(seen)


@pytest.mark.parametrize(
    "arguments",
    [
        ["verdicts", "show", "1", "--raw"],
        ["jobs", "show", "1"],
        ["export", "responses"],
        ["export", "verdicts"],
        ["leaderboard"],
    ],
    ids=" ".join,
)
def test_commands_on_a_run(arguments: list[str], played: Path) -> None:
    code, seen = in_terminal(*arguments, ARENA_TUI_STORE=str(played))
    assert code == 0, seen
    assert_inert(seen)
    if arguments[0] == "verdicts":
        assert b"because" in seen
        assert "␛]52;c;cHduZWQ=␇".encode() in seen


@pytest.mark.parametrize(
    "arguments",
    [
        ["imports", "show", "1"],
        ["compare", f"all{'@'}", "plain"],
        ["compare", "plain", "nan"],
        ["compare", "*", "--baseline", "plain"],
        ["leaderboard", "--arena", "@"],
        ["leaderboard", "--judge", "@"],
        ["leaderboard", "--category", "@"],
        ["leaderboard", "--format", "@"],
        ["leaderboard", "--anchor", "@=@"],
        ["leaderboard", "--@"],
        ["leaderboard", "--store", "@"],
        ["--batch", "@"],
        ["--batch", "pocket", "--set", "@=@"],
        ["--batch", "pocket", "--stop-after", "@"],
        ["plan", "show", "@"],
        ["import", "@", "@"],
        ["import", "arena", "@"],
        ["import", "arena", "x", "--map", "@"],
        ["export", "@"],
        ["judge", "templates", "show", "@"],
        ["judge", "templates", "show", "@.toml"],
        ["models", "alias", "@", "@"],
        ["arenas", "drop", "@"],
        ["ratings", "agree", "--reference", "@"],
        ["ratings", "agree", "--reference", "x", "--columns", "@"],
        ["@"],
        ["jobs", "show", "@"],
    ],
    ids=" ".join,
)
def test_what_a_user_says_is_said_back_inert(arguments: list[str], imported: Path) -> None:
    """An @ stands for the attack; an argument cannot hold NUL."""
    said = [part.replace("@", ATTACK.replace("\x00", "")) for part in arguments]
    _, seen = in_terminal(*map(os.fsencode, said), ARENA_TUI_STORE=str(imported))
    assert seen
    assert_inert(seen)
    assert b"Traceback" not in seen


def test_bytes_that_are_no_text_are_said_back_inert(imported: Path) -> None:
    for arguments in ([b"leaderboard", b"--arena", b"\xff\x9b31m"], [b"--batch", b"\xff.toml"], [b"\xff"]):
        _, seen = in_terminal(*arguments, ARENA_TUI_STORE=str(imported))
        assert seen
        assert_inert(seen)
        assert b"Traceback" not in seen


def test_parquet_is_not_for_a_terminal(imported: Path) -> None:
    code, seen = in_terminal("export", "battles", "--format", "parquet", ARENA_TUI_STORE=str(imported))
    assert (code, b"PAR1" in seen, b"--out FILE" in seen) == (2, False, True)


def test_an_import_and_its_preview(tmp_path: Path) -> None:
    log = write_battles(tmp_path / "\x1b]0;x\x07\u202e.csv", _battles())
    with log.open("a") as file:
        file.write(f'a,b,"{ATTACK}",q,c\n')
    for arguments in (["--dry-run"], []):
        code, seen = in_terminal(
            "import", "arena", log, *arguments, ARENA_TUI_STORE=str(tmp_path / "arena.db")
        )
        assert code == 0, seen
        assert_inert(seen)


def test_mistakes_in_a_hostile_plan(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    escaped = json.dumps(ATTACK)
    plan.write_text(f"[run]\nname = {escaped}\n{escaped} = 1\n[players.{escaped}]\nkind = {escaped}\n")
    for arguments in (["plan", "check", plan], ["plan", "show", plan], ["--batch", plan]):
        code, seen = in_terminal(*arguments, ARENA_TUI_STORE=str(tmp_path / "arena.db"))
        assert code == 2, seen
        assert_inert(seen)
        assert b"Traceback" not in seen


def test_the_test_would_see_an_attack() -> None:
    with pytest.raises(AssertionError):
        assert_inert(f"model {ATTACK}".encode())
