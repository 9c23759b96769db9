"""Counts equal a recount whatever landed in whatever order, to the last bit, and can be merged and mirrored."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.records import BattleState, Decision, Outcome, OutcomeRule, ResponseStatus
from engine.store import Store
from engine.store.battles import NewBattle
from engine.store.checks import rebuild_counts
from engine.store.counts import read_pairs
from tests.engine.store.landing import VOID, WAITING, Ground, battle, fresh_store, land, lay_ground, recounts

SHARES = st.floats(0, 1)
DECISIONS = st.one_of(
    st.just(WAITING),
    st.just(VOID),
    st.builds(
        lambda share, outcome: Decision(
            BattleState.DECIDED,
            None,
            outcome,
            2 * share - 1,
            share,
            int(outcome is Outcome.A),
            int(outcome is Outcome.B),
            int(outcome is Outcome.TIE),
        ),
        SHARES,
        st.sampled_from(Outcome),
    ),
    # per-game: two games, each counted
    st.builds(
        lambda share, a, b: Decision(
            BattleState.DECIDED, None, Outcome.TIE, 0.0, share, a, min(b, 2 - a), 2 - a - min(b, 2 - a)
        ),
        SHARES,
        st.integers(0, 2),
        st.integers(0, 2),
    ),
)
STATUSES = st.sampled_from(ResponseStatus)
FIGHTS = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.integers(0, 12).map(str),
            "a": st.integers(0, 3),
            "b": st.integers(0, 3),
            "decision": DECISIONS,
            "position": st.integers(0, 20),
            "status_a": STATUSES,
            "status_b": STATUSES,
            "category": st.sampled_from([None, "maths", "a\0b", "\ud800", "all"]),
            "occurred_at": st.none() | st.floats(0, 1e9),
        }
    ),
    max_size=25,
)
PLAYERS = ("ann", "bob", "cid", "dee")


def ground_in(store: Store, rule: OutcomeRule = OutcomeRule.MEAN_MARGIN) -> Ground:
    with store.write() as tx:
        return lay_ground(tx, players=PLAYERS, rule=rule)


def land_chunks(store: Store, ground: Ground, fights: list[dict[str, Any]], size: int) -> None:
    items = [_battle(ground, facts) for facts in fights]
    for start in range(0, len(items), size):
        land(store, ground, *items[start : start + size])


def _battle(ground: Ground, facts: dict[str, Any]) -> NewBattle:
    """A battle; the same key always means the same two players."""
    key = f"{facts['key']}/{facts['a']}/{facts['b']}"
    return battle(ground, key, **{name: value for name, value in facts.items() if name != "key"})


@settings(max_examples=60, deadline=None)
@given(fights=FIGHTS, size=st.integers(1, 10))
def test_counts_equal_a_recount_after_any_landings(fights: list[dict[str, Any]], size: int) -> None:
    with fresh_store() as store:
        ground = ground_in(store, OutcomeRule.PER_GAME)
        land_chunks(store, ground, fights, size)
        assert recounts(store) == []


@settings(max_examples=40, deadline=None)
@given(fights=FIGHTS, size=st.integers(1, 10))
def test_counts_say_what_the_settled_battles_say(fights: list[dict[str, Any]], size: int) -> None:
    """Against sums that are made here, in Python, from what was to land."""
    settled: dict[tuple[Any, ...], dict[str, Any]] = {}
    for facts in fights:
        key = (facts["key"], facts["a"], facts["b"])
        stands = settled.get(key)
        if stands is None or stands["decision"].state is BattleState.WAITING:
            settled[key] = facts | {"category": stands["category"] if stands else facts["category"]}
    expected: dict[tuple[str | None, int, int], list[float]] = defaultdict(lambda: [0.0] * 7)
    for facts in settled.values():
        decision, mirrored = facts["decision"], facts["a"] > facts["b"]
        low, high = sorted((facts["a"], facts["b"]))
        wins, losses = (decision.wins_a, decision.wins_b)[:: -1 if mirrored else 1]
        games = wins + losses + decision.ties
        share = (decision.win_share or 0.0) * games
        numbers = [wins, losses, decision.ties, games - share if mirrored else share]
        numbers += [
            decision.state is state for state in (BattleState.DECIDED, BattleState.WAITING, BattleState.VOID)
        ]
        for category in {None, facts["category"]}:
            total = expected[category, low, high]
            expected[category, low, high] = [x + y for x, y in zip(total, numbers, strict=True)]
    with fresh_store() as store:
        ground = ground_in(store)
        land_chunks(store, ground, fights, size)
        for category in (None, "maths", "a\0b", "\ud800", "all"):
            index = {player.id: n for n, player in enumerate(ground.players)}
            for pair in read_pairs(store.reader, ground.arena.id, ground.judge.id, category):
                kept = [
                    pair.wins,
                    pair.losses,
                    pair.ties,
                    pair.win_share,
                    pair.decided,
                    pair.waiting,
                    pair.void,
                ]
                wanted = expected.pop((category, index[pair.a], index[pair.b]))
                assert max(abs(x - y) for x, y in zip(kept, wanted, strict=True)) < 1e-8
        assert not expected


@settings(max_examples=30, deadline=None)
@given(fights=FIGHTS, order=st.randoms(use_true_random=False))
def test_the_order_of_landing_leaves_no_trace(fights: list[dict[str, Any]], order: Any) -> None:
    once = list({(f["key"], f["a"], f["b"]): f for f in fights}.values())
    shuffled = list(once)
    order.shuffle(shuffled)
    assert counts_of(once) == counts_of(shuffled)


@settings(max_examples=30, deadline=None)
@given(fights=FIGHTS)
def test_swapping_a_and_b_mirrors_the_counts_exactly(fights: list[dict[str, Any]]) -> None:
    apart = [f for f in fights if f["a"] != f["b"]]
    once = list({(f["key"], f["a"], f["b"]): f for f in apart}.values())
    assert counts_of(once) == counts_of([mirrored(f) for f in once])


def mirrored(facts: dict[str, Any]) -> dict[str, Any]:
    decision: Decision = facts["decision"]
    outcome = {Outcome.A: Outcome.B, Outcome.B: Outcome.A}.get(decision.outcome, decision.outcome)  # type: ignore[arg-type]
    # A share of 2**-32 and less cannot be told from none; it is rounded alike from both sides.
    share = None if decision.win_share is None else 1 - round(decision.win_share * 2**32) / 2**32
    turned = replace(
        decision, outcome=outcome, win_share=share, wins_a=decision.wins_b, wins_b=decision.wins_a
    )
    sides = {"a": facts["b"], "b": facts["a"], "status_a": facts["status_b"], "status_b": facts["status_a"]}
    return facts | sides | {"decision": turned}


def counts_of(fights: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    with fresh_store() as store:
        ground = ground_in(store)
        land_chunks(store, ground, fights, 7)
        return sorted(store.reader.execute("SELECT * FROM pair_counts").fetchall(), key=repr)


@settings(max_examples=25, deadline=None)
@given(one=FIGHTS, two=FIGHTS)
def test_the_counts_of_two_stores_add_up_to_those_of_one(
    one: list[dict[str, Any]], two: list[dict[str, Any]]
) -> None:
    first = list({(f["key"], f["a"], f["b"]): f for f in one}.values())
    second = [f | {"key": f"2/{f['key']}"} for f in {(f["key"], f["a"], f["b"]): f for f in two}.values()]
    summed: dict[tuple[Any, ...], list[int]] = {}
    for row in [*counts_of(first), *counts_of(second)]:
        total = summed.setdefault(row[:5], [0] * 10)
        summed[row[:5]] = [x + y for x, y in zip(total, row[5:], strict=True)]
    assert {row[:5]: list(row[5:]) for row in counts_of(first + second)} == summed


def test_counts_that_were_changed_by_hand_are_found_and_mended(store: Store) -> None:
    ground = ground_in(store)
    land(store, ground, battle(ground, "1"), battle(ground, "2", 1, 2))
    with store.write() as tx:
        tx.connection.execute("UPDATE pair_counts SET wins = wins + 1 WHERE a = ?", (ground.players[0].id,))
        tx.connection.execute("DELETE FROM side_counts WHERE player_id = ?", (ground.players[2].id,))
    assert len(recounts(store)) == 2
    assert rebuild_counts(store) == 1
    assert recounts(store) == []
    assert rebuild_counts(store) == 0
