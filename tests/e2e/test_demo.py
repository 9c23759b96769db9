"""`make demo`: what it leaves alone, and whether what it says to try next can be tried from any folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


def recipe(store: Path, venv: Path) -> list[str]:
    """The commands of `make demo`, none of them run."""
    told = subprocess.run(
        ["make", "-n", "demo", f"DEMO_STORE={store}", f"VENV={venv}"],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return told.stdout.splitlines()


def test_it_keeps_the_store(tmp_path: Path) -> None:
    lines = recipe(tmp_path / "arena.db", tmp_path / "venv")
    assert any("--batch pocket" in line for line in lines)
    assert not [line for line in lines if line.split()[:1] in (["rm"], ["mv"])]


def test_what_to_try_next_works_in_any_folder(tmp_path: Path) -> None:
    """The line that sets the environment is pasted as it is printed, in a folder that is not the checkout."""
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "bin").symlink_to(Path(sys.executable).parent)
    store = tmp_path / "somewhere" / "arena.db"
    shown = subprocess.run(
        ["/bin/sh", "-c", "\n".join(line for line in recipe(store, tmp_path / "venv") if line[:5] == "echo ")],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    (settings,) = [line.partition("with: ")[2] for line in shown.splitlines() if "export " in line]
    done = subprocess.run(
        ["/bin/sh", "-c", f'{settings}\nprintf "%s\\n" "$ARENA_TUI_STORE"\nexec arena-tui compare --help'],
        cwd=tmp_path, env={"PATH": os.defpath}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, str(store)), done.stderr
