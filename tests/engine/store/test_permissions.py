"""Files and folders that are read-only or somebody else's: read where they can be, and refused to write in words."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.store import open_store
from engine.store.prompts import land_set
from tests.engine.store.places import ENVIRONMENT

NOBODY = 65534

TRY = """
import os, sys
from pathlib import Path
from engine.errors import StoreError
from engine.store import open_store
if len(sys.argv) > 2:
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
path = Path(sys.argv[1])
try:
    with open_store(path) as store:
        print("reads", store.reader.execute("SELECT COUNT(*) FROM prompt_sets").fetchone()[0])
except StoreError as error:
    print(error.title, error.text, sep="|")
try:
    open_store(path, writable=True)
except StoreError as error:
    print(error.title, error.text, sep="|")
"""


def attempt(path: Path) -> list[str]:
    """What a process says that reads and writes the store as somebody who is not root."""
    user = [str(NOBODY)] if os.geteuid() == 0 else []
    done = subprocess.run(
        [sys.executable, "-c", TRY, str(path), *user],
        env=ENVIRONMENT,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if "PermissionError" in done.stderr or "ModuleNotFoundError" in done.stderr:
        pytest.skip("another user cannot run this Python")
    assert done.returncode == 0, done.stderr
    return [line.replace(str(path), "STORE") for line in done.stdout.splitlines()]


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one row, in a folder that another user may walk to."""
    folder = tmp_path_factory.mktemp("shared")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(parent.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH | stat.S_IRGRP | stat.S_IROTH)
    with open_store(folder / "arena.db", writable=True) as store, store.write() as tx:
        land_set(tx, "one")
    return folder / "arena.db"


def test_a_read_only_file_is_read(path: Path) -> None:
    path.chmod(0o444)
    read, refused = attempt(path)
    assert read == "reads 1"
    assert refused.startswith("STORE cannot be written|")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another's")
def test_another_users_store_is_read_and_whose_it_is_is_said(path: Path) -> None:
    path.chmod(0o644)
    read, refused = attempt(path)
    assert read == "reads 1"
    assert refused.startswith("STORE cannot be written|It belongs to root, and you are ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users at a time")
def test_another_users_store_is_read_while_it_is_written(path: Path) -> None:
    with open_store(path, writable=True) as store:
        with store.write() as tx:
            land_set(tx, "two")
        for one in path.parent.iterdir():
            one.chmod(0o644)
        read, refused = attempt(path)
    assert read == "reads 2"
    assert refused.startswith("STORE cannot be written|")


def test_a_file_that_may_not_be_read_is_told(path: Path) -> None:
    path.chmod(0o600 if os.geteuid() == 0 else 0)
    read, _ = attempt(path)
    assert read.startswith("STORE cannot be read|")


def test_a_read_only_folder_takes_no_new_store(path: Path) -> None:
    path.parent.chmod(0o555)
    try:
        _, refused = attempt(path.with_name("new.db"))
    finally:
        path.parent.chmod(0o755)
    assert "cannot be made" in refused


def test_a_store_that_is_opened_to_read_only_refuses_to_write(path: Path) -> None:
    with open_store(path) as store, pytest.raises(StoreError, match="was opened to read"), store.write():
        pass
