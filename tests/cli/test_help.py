"""Help that teaches: every command and option has it, it is quick, and its examples are true."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from arena_tui.cli.main import ENTRIES, app
from engine.plugins import Group, listing
from engine.store.export import COLUMNS
from tests.cli.commanding import command

SLOW = (
    "torch",
    "textual",
    "scipy",
    "aiohttp",
    "openai",
    "pydantic",
    "numpy",
    "pyarrow",
    "rich.console",
    "sqlite_utils",
)


def walk() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its path."""
    yield (), typer.main.get_command(app)
    for entry in ENTRIES:
        yield from below((entry.name,), entry.load())


def below(path: tuple[str, ...], found: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, found
    for name, inner in getattr(found, "commands", {}).items():
        yield from below((*path, name), inner)


COMMANDS = list(walk())
IDS = [" ".join(path) or "arena-tui" for path, _ in COMMANDS]


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["leaderboard", "--help"], ["plan", "check", "-h"], ["import", "--help"]],
    ids=" ".join,
)
def test_help_imports_nothing_slow(arguments: list[str]) -> None:
    program = (
        "import sys, json; from arena_tui.cli.main import main; code = main(sys.argv[1:]);"
        "sys.stderr.write(json.dumps([code, sorted(sys.modules)]))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stderr)
    assert code == 0
    assert done.stdout
    assert [name for name in SLOW if name in modules] == []


@pytest.mark.parametrize(("path", "found"), COMMANDS, ids=IDS)
def test_every_command_and_option_is_explained(path: tuple[str, ...], found: Any) -> None:
    assert found.help
    assert [one.name for one in found.params if not one.help] == []
    shown = command(*path, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert [line for line in shown.lines if re.search(r"[a-z]\.\.\.$", line)] == []  # a summary that was cut
    assert [line for line in shown.lines if len(line) > 110] == []


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_summary_of_a_command_is_its_own_first_sentence(entry: Any) -> None:
    found = entry.load()
    assert found.help.startswith(entry.summary)
    assert hasattr(found, "commands") == entry.is_group
    assert f"  {entry.name}" in command("--help").out
    assert entry.summary in command("--help").out


def examples() -> list[str]:
    """The command lines of all epilogs, continued lines joined, remarks behind wide gaps taken off."""
    found = []
    for _, one in COMMANDS:
        lines = (one.epilog or "").replace("\\\n", " ").splitlines()
        found += [line.strip().split("   ")[0] for line in lines if line.strip().startswith("arena-tui ")]
    return found


@pytest.mark.parametrize("line", examples())
def test_examples_name_commands_and_options_that_exist(line: str) -> None:
    """Each is parsed as far as its command; values are not looked at."""
    words = shlex.split(line.partition(" > ")[0].partition(" | ")[0])[1:]
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    at: tuple[str, ...] = ()
    found = dict(COMMANDS)[at]
    for word in words:
        if (*at, word) not in dict(COMMANDS):
            break
        at = (*at, word)
        found = dict(COMMANDS)[at]
    assert at or options
    known = {name for one in found.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
    assert [name for name in options if name not in known] == []


ROOT = Path(__file__).parents[2]
SAID = re.compile(r"(?:`|: |with: )arena-tui ((?:[a-z]+ ?){1,3})")
PROSE = {"is", "itself", "lets"}
"""Words behind the program's name where a sentence is about it."""

TEXTS = [
    *ROOT.glob("engine/**/*.py"),
    *ROOT.glob("arena_tui/**/*.py"),
    *ROOT.glob("docs/*.md"),
    ROOT / "README.md",
]


@pytest.mark.parametrize("path", [path for path in TEXTS if path.exists()], ids=lambda path: path.name)
def test_messages_and_pages_name_commands_that_exist(path: Path) -> None:
    """Where a text says what to run (in backquotes, or behind a colon), the command is there."""
    known = {" ".join(path) for path, _ in COMMANDS if path}
    groups = {" ".join(path) for path, one in COMMANDS if hasattr(one, "commands")}
    text = path.read_text(encoding="utf-8")
    for found in SAID.finditer(text):
        words = found[1].split()
        first, two = words[0], " ".join(words[:2])
        assert first in known | PROSE, found[0]
        assert first not in groups or len(words) == 1 or two in known, found[0]


def test_the_lists_in_the_help_are_whole() -> None:
    shown = " ".join(command("import", "--help").out.split())
    assert [name for name in listing(Group.FORMATS).names if name not in shown] == []
    shown = " ".join(command("export", "--help").out.split())
    assert [name for name in COLUMNS if name not in shown] == []


def test_version() -> None:
    from engine import __version__

    assert command("--version").out == f"arena-tui {__version__}\n"
