"""A server that does not say what it serves: whoever runs the plan is told what to write, and where."""

from __future__ import annotations

import pytest

from engine.errors import UsageError
from tests.engine.jobs.arena_on_loopback import Arena


@pytest.mark.parametrize(("name", "table"), [("bob", "players.bob"), ("judge", "judges.judge")])
def test_the_table_and_the_key_are_named(arena: Arena, name: str, table: str) -> None:
    served = arena.judge if name == "judge" else arena.served[name]
    served.listed = [{"id": name, "object": "model"}]
    with pytest.raises(UsageError, match="tells nothing that would identify") as raised:
        arena.run()
    assert f'under [{table}]: revision = "2026-11-24"' in raised.value.mend
    assert arena.run(f"{table}.revision=2026-11-24").states == {"decided": 36}
