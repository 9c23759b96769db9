"""Nobody prints around the border: only output and headless touch stdout and stderr."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import arena_tui
import engine

ROOT = Path(arena_tui.__file__).parent
WRITERS = {ROOT / "output.py", ROOT / "headless.py"}
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


def is_script(path: Path) -> bool:
    """What people start by hand to make the pocket world prints its own progress."""
    return path.parts[-2:] == ("pocket", "make.py")


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


def test_what_headless_draws_itself_is_made_of_numbers() -> None:
    """It writes to the terminal in one place, and only lines that `progress` made of counts and times."""
    tree = ast.parse((ROOT / "headless.py").read_text(encoding="utf-8"))
    writes = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "write"
    ]
    assert len(writes) == 1
