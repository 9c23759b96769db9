"""Started from a folder that holds an engine.py, a data/ and more of our names, the program still runs its own code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.programs import environment

SCRIPT = Path(sys.executable).parent / "arena-tui"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's own files beside the plan, each of which ends the program that imports it."""
    for name in ("engine.py", "typer.py", "numpy.py", "rich.py", "sqlite3.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit('a file of the user was imported')")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "__init__.py").write_text("raise SystemExit('a file of the user was imported')")
    return tmp_path


def ways() -> list[tuple[str, list[str], dict[str, str]]]:
    module = [sys.executable, "-m", "arena_tui"]
    return [
        ("script", [str(SCRIPT)], {}),
        ("-P -m", [sys.executable, "-P", "-m", "arena_tui"], {}),
        ("PYTHONSAFEPATH", module, {"PYTHONSAFEPATH": "1"}),
    ]


@pytest.mark.parametrize(("command", "said"), [pytest.param(c, s, id=name) for name, c, s in ways()])
@pytest.mark.parametrize(
    "arguments", [["plan", "show", "pocket"], ["jobs", "list"], ["judge", "templates", "list"]]
)
def test_ours_is_imported(
    folder: Path, command: list[str], said: dict[str, str], arguments: list[str]
) -> None:
    (folder / "arena_tui.py").write_text("raise SystemExit('a file of the user was imported')")
    store = folder / "arena.db"
    done = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=environment(ARENA_TUI_STORE=str(store), **said),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "a file of the user was imported" not in done.stderr
    assert done.returncode == (1 if arguments[0] == "jobs" else 0), done.stderr


def test_python_m_drops_the_working_folder(folder: Path) -> None:
    """Python itself puts the working folder first; what it has not imported by then comes from ours."""
    for name in ("sqlite3.py", "json.py"):
        (folder / name).unlink()  # the start of Python itself may want these
    done = subprocess.run(
        [sys.executable, "-m", "arena_tui", "plan", "show", "pocket", "--json"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
