from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.battle_logs import HOSTILE_NAMES, random_battles, write_battles
from tests.cli.commanding import command


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with four models in an arena of 240 battles, in two categories; to be read only."""
    return _store(tmp_path_factory, "few", ["ada", "bob", "cyd", "eve"], 240)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose models have names that attack a terminal, a spreadsheet or a reader; to be read only."""
    return _store(tmp_path_factory, "hostile", list(HOSTILE_NAMES), 600)


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 60 models; to be read only."""
    names = [f"lab-{i % 7}/checkpoint-of-a-long-run-{i:06d}" for i in range(60)]
    return _store(tmp_path_factory, "many", names, 3000)


def _store(folder: pytest.TempPathFactory, name: str, models: list[str], battles: int) -> Path:
    path = folder.mktemp(name)
    log = write_battles(path / f"{name}.csv", random_battles(models, battles))
    store = path / "arena.db"
    assert command("import", "arena", log, "--judge", "crowd", "--store", store).code == 0
    # Ratings in battle order are folded once, so that every reader sees the same.
    assert command("leaderboard", "--store", store).code == 0
    return store
