"""Responses of an import: those in its rows, and those of the store that its rows are about."""

from __future__ import annotations

from engine import keys
from engine.records import (
    ResponseStatus,
    Turn,
)
from engine.store import Store
from tests.engine.battles.importing_rows import (
    SET,
    battle,
    bring,
    response,
)


def column(store: Store, query: str) -> list[object]:
    return [value for (value,) in store.reader.execute(query)]


def test_a_battle_finds_the_one_response_of_each_model(store: Store) -> None:
    bring(
        store,
        [response("ann", "a"), response("bob", "b", status=ResponseStatus.CUT), response("bob", "x", "q2")],
    )
    bring(store, [battle(source_id="1"), battle("cid", "ann", source_id="2")])
    linked = store.reader.execute(
        "SELECT ra.key, rb.key, status_a, status_b FROM battles b LEFT JOIN responses ra ON ra.id = response_a"
        " LEFT JOIN responses rb ON rb.id = response_b ORDER BY b.position"
    ).fetchall()
    ann, bob = (key_of_response(name, text) for name, text in (("ann", "a"), ("bob", "b")))
    assert linked == [(ann, bob, "ok", "cut"), (None, ann, "ok", "ok")]


def key_of_response(model: str, text: str, name: str = "q1") -> str:
    player = keys.player_key({"kind": "name", "facts": {"name": model}}, None, None)
    return keys.imported_response_key(player, keys.named_prompt_key(SET, name), [text])


def test_of_several_responses_none_is_guessed(store: Store) -> None:
    bring(store, [response("ann", "one"), response("ann", "two"), response("bob", "b")])
    bring(store, [battle()])
    assert store.reader.execute("SELECT response_a IS NULL, response_b IS NULL FROM battles").fetchall() == [
        (1, 0)
    ]


def test_a_response_that_comes_in_the_same_import_is_found_too(store: Store) -> None:
    bring(store, [battle(source_id="0"), response("ann", "a"), battle(source_id="1")])
    bring(store, [battle(source_id="2")])
    # All three share a chunk or come later: the response is there when battles land.
    assert column(store, "SELECT COUNT(response_a) FROM battles") == [3]


def test_responses_in_the_row_are_stored_and_judged_as_they_are(store: Store) -> None:
    row = battle(response_a=(Turn(" "),), response_b=(Turn("fine"),))
    report = bring(store, [row, row])
    assert report.taken == {"prompts": 1, "responses": 2, "verdicts": 2, "battles": 2}
    assert (
        store.reader.execute("SELECT status_a, status_b, state, outcome FROM battles").fetchall()
        == [("empty", "ok", "decided", "a")] * 2
    )
