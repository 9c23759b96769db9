"""Responses: a result stays, a failure gives way to what came of trying again."""

from __future__ import annotations

import pytest

from engine.records import Response, ResponseStatus, Turn
from engine.store import Store
from engine.store.responses import has_responses, land_responses, read_responses, sole_response, statuses
from tests.engine.store.landing import Ground, answer, lay_ground, response

S = ResponseStatus


@pytest.fixture
def ground(store: Store) -> Ground:
    with store.write() as tx:
        return lay_ground(tx)


def test_a_response_is_read_back_whole(store: Store, ground: Ground) -> None:
    turns = (Turn("yes", "hm", "stop", 10, 2, 12.5), Turn("no", None, "length", None, 3, None))
    item = answer(ground, 0, Response(S.CUT, turns, sample=3, error="at the limit"))
    with store.write() as tx:
        assert land_responses(tx, [item])[item.key].new
    stored = read_responses(store.reader, [item.key, "r1:unknown"])
    assert {key: (one.prompt_id, one.player_id, one.tries, one.response) for key, one in stored.items()} == {
        item.key: (ground.prompt_id, ground.players[0].id, 1, item.response)
    }
    totals = store.reader.execute(
        "SELECT tokens_in, tokens_out, latency_ms, characters FROM responses"
    ).fetchone()
    assert totals == (10, 5, 12.5, 5)


@pytest.mark.parametrize("first", [S.OK, S.EMPTY, S.CUT, S.REFUSED])
def test_a_result_is_never_landed_over(store: Store, ground: Ground, first: ResponseStatus) -> None:
    kept, late = response("first", first), response("second", S.OK)
    for said in (kept, late, kept):
        with store.write() as tx:
            landed = land_responses(tx, [answer(ground, 0, said)])
    (one,) = landed.values()
    assert (one.new, one.status) == (False, first)
    (stored,) = read_responses(store.reader, landed).values()
    assert (stored.response, stored.tries) == (kept, 1)


@pytest.mark.parametrize("then", [S.OK, S.FAILED, S.CUT])
def test_a_failure_gives_way(store: Store, ground: Ground, then: ResponseStatus) -> None:
    failed = Response(S.FAILED, (Turn("half an"), Turn("answer")), error="timeout")
    for said in (failed, response("whole", then)):
        with store.write() as tx:
            landed = land_responses(tx, [answer(ground, 0, said)])
    (one,) = landed.values()
    assert (one.new, one.status) == (True, then)
    (stored,) = read_responses(store.reader, landed).values()
    assert (stored.response, stored.tries) == (response("whole", then), 2)
    assert statuses(store.reader, landed) == {answer(ground, 0, failed).key: (then, 2)}


def test_equal_texts_are_stored_once(store: Store, ground: Ground) -> None:
    with store.write() as tx:
        land_responses(tx, [answer(ground, n, response("the same")) for n in range(3)])
    assert store.reader.execute("SELECT COUNT(*) FROM texts WHERE body = 'the same'").fetchone() == (1,)
    assert store.reader.execute("SELECT COUNT(*) FROM responses").fetchone() == (3,)


def test_the_one_response_of_a_player_is_found_while_it_is_the_only_one(store: Store, ground: Ground) -> None:
    player = ground.players[0].id
    assert not has_responses(store.reader, player)
    with store.write() as tx:
        land_responses(tx, [answer(ground, 0, response("x", S.FAILED, sample=9))])
    assert sole_response(store.reader, ground.prompt_id, player) is None
    with store.write() as tx:
        land_responses(tx, [answer(ground, 0, response("one"))])
    found = sole_response(store.reader, ground.prompt_id, player)
    assert found is not None
    assert (found.key, found.status) == (answer(ground, 0, response("one")).key, S.OK)
    with store.write() as tx:
        land_responses(tx, [answer(ground, 0, response("two", sample=1))])
    assert sole_response(store.reader, ground.prompt_id, player) is None
