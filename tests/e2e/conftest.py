from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.hits import HITS
from tests.e2e.programs import Program
from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import LoopbackServer


@pytest.fixture(scope="session")
def loopback() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """Starts programs; those that still run at the end of a test are killed."""
    started: list[Program] = []

    def starting(*arguments: str | Path, **settings: Any) -> Program:
        started.append(Program(*arguments, **settings))
        return started[-1]

    yield starting
    for program in started:
        program.end()


@pytest.fixture
def arena(tmp_path: Path, loopback: LoopbackServer) -> Arena:
    """Three players and a judge who answer over HTTP, with plan.toml written."""
    made = Arena(tmp_path, loopback)
    (tmp_path / "plan.toml").write_text(made.plan_text())
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where kill tests killed; a window that was never reached has failed its test."""
    if HITS:
        terminalreporter.write_line(f"killed {len(HITS)} times: {'; '.join(HITS)}")
