from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.battle_logs import HOSTILE_NAMES, random_battles, write_battles
from tests.cli.commanding import Result, command
from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import LoopbackServer


@pytest.fixture(scope="session")
def loopback() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


@dataclass(frozen=True)
class Played:
    """A run that was made: its folder with plan.toml, its store, and what the command said."""

    folder: Path
    store: Path
    result: Result


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, loopback: LoopbackServer) -> Played:
    """Three served models and a served judge on 12 prompts, run to the end; to be read only."""
    arena = Arena(tmp_path_factory.mktemp("played"), loopback)
    plan = arena.folder / "plan.toml"
    plan.write_text(arena.plan_text())
    result = command("--batch", plan, "--json", store=arena.path)
    assert result.code == 0, result.err
    return Played(arena.folder, arena.path, result)


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
