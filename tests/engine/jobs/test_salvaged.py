"""A run in a salvaged store: what was lost is made anew, once."""

from __future__ import annotations

from engine.store import open_store
from engine.store.checks import check_store
from engine.store.salvage import salvage
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.store.test_damage import flip_everywhere


def test_a_response_with_a_flipped_key_is_asked_for_once_and_leaves_no_double(arena: Arena) -> None:
    whole = arena.run()
    calls = arena.player_calls
    with open_store(arena.path) as store:
        (key,) = store.reader.execute("SELECT key FROM responses WHERE id = 5").fetchone()
    flip_everywhere(arena.path, key)
    damaged = arena.path.rename(arena.folder / "damaged.db")
    saved = salvage(damaged, arena.path)
    assert saved.tables["responses"].lost == 1
    with open_store(arena.path) as store:
        assert check_store(store.reader).sound
    again = arena.run()
    assert arena.player_calls == calls + 1
    assert (again.responses_made, again.states) == (1, whole.states)
    with open_store(arena.path) as store:
        assert check_store(store.reader).sound
        pairs = "SELECT COUNT(*), COUNT(DISTINCT player_id || '/' || prompt_id) FROM responses"
        assert store.reader.execute(pairs).fetchone() == (calls, calls)
