from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import LoopbackServer


@pytest.fixture(scope="session")
def loopback() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


@pytest.fixture
def arena(tmp_path: Path, loopback: LoopbackServer) -> Arena:
    return Arena(tmp_path, loopback)
