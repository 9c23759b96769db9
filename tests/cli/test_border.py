"""Nobody prints around the border: one module touches stdout and stderr, and what libraries print passes it too."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from contextlib import redirect_stderr
from pathlib import Path

import pytest

import arena_tui
import engine
from arena_tui import output
from arena_tui.cli.running import run
from arena_tui.cli.tree import commands
from arena_tui.streams import redraw, strays_as_talk

ROOT = Path(arena_tui.__file__).parent
WRITERS = {ROOT / "streams.py"}
PRINTERS = {"print", "echo", "secho", "pprint", "input"}
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}

OTHERS = sorted({*ROOT.rglob("*.py"), *Path(engine.__file__).parent.rglob("*.py")} - WRITERS)


def offences(tree: ast.AST) -> list[str]:
    """Where a module writes to the terminal by itself."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in PRINTERS:
            found.append(f"{node.lineno}: {_name(node.func)}")
        elif isinstance(node, ast.Attribute) and node.attr in STREAMS and _name(node.value) == "sys":
            found.append(f"{node.lineno}: sys.{node.attr}")
        elif isinstance(node, ast.ImportFrom) and node.module == "sys":
            found += [f"{node.lineno}: {alias.name}" for alias in node.names if alias.name in STREAMS]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            )
            found += [
                f"{node.lineno}: {one}" for one in modules if one.startswith(("rich.console", "rich.print"))
            ]
    return found


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


SCRIPTS = {("pocket", "make.py"), ("training", "stage.py")}
"""What people start by hand to make the pocket world prints its own progress; a stage's process prints into its log,
of which only errors of ours are shown, inert as all others."""


def is_script(path: Path) -> bool:
    return path.parts[-2:] in SCRIPTS


@pytest.mark.parametrize(
    "path", [p for p in OTHERS if not is_script(p)], ids=lambda p: "/".join(p.parts[-3:])
)
def test_nobody_prints_around_the_border(path: Path) -> None:
    assert offences(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "print(x)",
        "import sys; sys.stdout.write(x)",
        "typer.echo(x)",
        "from sys import stderr",
        "import rich.console",
    ],
)
def test_the_test_sees_each_way_around(line: str) -> None:
    assert offences(ast.parse(line))


STRAY = r"""
import logging, sys, warnings
from arena_tui.output import out_json_line
from arena_tui.streams import strays_as_talk
with strays_as_talk():
    print("loading \x1b]0;x\x07")
    sys.stderr.write("half")
    sys.stderr.write(" a line\nrest")
    logging.getLogger("other").warning("model said \x1b[2J")
    warnings.warn("careful \u202e")
    assert not sys.stdout.isatty()
    out_json_line({"a": 1})
print("after")
"""


def test_what_libraries_print_becomes_inert_talk() -> None:
    """Prints, logs and warnings of others, on either stream; data stays data."""
    done = subprocess.run([sys.executable, "-P", "-c", STRAY], capture_output=True, text=True, check=True)
    assert done.stdout == '{"a": 1}\nafter\n'
    assert done.stderr.startswith("loading ␛]0;x␇\nhalf a line\n")
    assert "model said ␛[2J" in done.stderr
    assert "careful <U+202E>" in done.stderr
    assert done.stderr.endswith("\n")


def test_what_libraries_print_in_any_command_is_talk(capsys: pytest.CaptureFixture[str]) -> None:
    app = commands()

    @app.command("load")
    def load() -> None:
        sys.stdout.write("loading \x1b]0;x\x07")
        sys.stderr.write("said \x9b2J\n")
        output.out("data")

    run(lambda: app([], standalone_mode=False))
    said = capsys.readouterr()
    assert said.out == "data\n"
    assert "loading ␛]0;x␇" in said.err
    assert "<U+009B>2J" in said.err


@pytest.mark.parametrize("pieces", [["x"] * 30_000, ["\rbar"] * 10_000, ["a\nb"] * 1000])
def test_what_is_printed_without_line_ends_is_said_all_the_same(pieces: list[str]) -> None:
    err = io.StringIO()
    with redirect_stderr(err), strays_as_talk():
        for piece in pieces:
            sys.stderr.write(piece)
    whole = "".join(pieces).replace("\r", "␍")
    assert err.getvalue().replace("\n", "") == whole.replace("\n", "")
    assert max(map(len, err.getvalue().split("\n"))) < 20_000


def test_a_line_that_is_redrawn_gives_way_to_the_next() -> None:
    err = io.StringIO()
    with redirect_stderr(err):
        for line in ("one", "two"):
            redraw(line)
        output.say("said")
        redraw("three")
        redraw("")
        redraw("")
    assert err.getvalue() == "\r\x1b[Kone\r\x1b[Ktwo\r\x1b[Ksaid\n\r\x1b[Kthree\r\x1b[K"
