from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.fake_clock import FakeClock
from tests.servers.loopback import LoopbackServer


@pytest.fixture(scope="session")
def loopback() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server
        assert server.errors == []


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
