"""Players and judges: found by identity, shown by name."""

from __future__ import annotations

import pytest

from engine import keys
from engine.errors import UsageError
from engine.records import Sampling
from engine.store import Store
from engine.store.contestants import (
    alias_player,
    land_imported_player,
    land_player,
    land_recorded_judge,
    read_players,
)


def test_an_identity_is_registered_once(store: Store) -> None:
    with store.write() as tx:
        first = land_player(tx, "llama", "weights", {"hash": "x"}, "t", Sampling(temperature=0.0), "/weights")
        again = land_player(
            tx, "other name", "weights", {"hash": "x"}, "t", Sampling(temperature=0), "/moved"
        )
        hotter = land_player(tx, "llama-hot", "weights", {"hash": "x"}, "t", Sampling(temperature=1.0))
    assert (again.id, again.name) == (first.id, "llama")
    assert hotter.id != first.id
    assert store.reader.execute("SELECT COUNT(*) FROM models").fetchone() == (1,)
    assert first.key == keys.player_key(
        {"kind": "weights", "facts": {"hash": "x"}}, "t", Sampling(temperature=0.0)
    )


def test_a_name_belongs_to_whom_it_came_with(store: Store) -> None:
    with store.write() as tx:
        names = [land_player(tx, "llama", "weights", {"hash": str(n)}) for n in range(3)]
        imported = land_imported_player(tx, "llama")
    assert [one.name for one in names] == ["llama", "llama.2", "llama.3"]
    assert [one.renamed for one in names] == [False, True, True]
    assert imported.name == "llama.4"
    with store.write() as tx:
        assert land_imported_player(tx, "llama").id == imported.id


@pytest.mark.parametrize(
    "twins", [("café", "cafe\u0301"), ("GPT", "gpt"), ("a", "а"), ("x", "x "), ("nan", "NaN")]
)
def test_names_that_look_alike_are_two_players(store: Store, twins: tuple[str, str]) -> None:
    with store.write() as tx:
        one, two = (land_imported_player(tx, name) for name in twins)
    assert one.id != two.id
    assert [row.name for row in read_players(store.reader)] == list(twins)


def test_judges_are_found_by_their_key(store: Store) -> None:
    with store.write() as tx:
        first, again = land_recorded_judge(tx, "human"), land_recorded_judge(tx, "human")
    assert first == again
    assert first.key == keys.judge_key("recorded", {"name": "human"}, None, None)


def test_an_alias_changes_the_name_that_is_rated_and_can_be_taken_back(store: Store) -> None:
    with store.write() as tx:
        for name in ("old", "older", "new"):
            land_imported_player(tx, name)
        alias_player(tx, "older", "old")
        alias_player(tx, "old", "new")
    assert {row.name: row.alias_of for row in read_players(store.reader)} == {
        "old": "new",
        "older": "new",
        "new": None,
    }
    with store.write() as tx:
        alias_player(tx, "old", "old")
    assert {row.name: row.alias_of for row in read_players(store.reader)} == {
        "old": None,
        "older": "new",
        "new": None,
    }
    with pytest.raises(UsageError, match="is itself an alias"), store.write() as tx:
        alias_player(tx, "new", "older")
    with pytest.raises(UsageError, match="no model called 'nobody'"), store.write() as tx:
        alias_player(tx, "nobody", "new")
