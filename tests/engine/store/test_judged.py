"""What judges said, as rows: all of it, or what the battles of one arena rest on."""

from __future__ import annotations

from engine.records import OnCut, Outcome, OutcomeRule, Verdict, VerdictKind, VerdictStatus
from engine.store import Store
from engine.store.battles import land_arena, land_battles
from engine.store.judged import both_orders, read_judges, read_said
from engine.store.verdicts import NewVerdict, land_verdicts
from tests.engine.store.landing import DECIDED, Ground, battle, lay_ground

OK = Verdict(VerdictKind.SCORES, VerdictStatus.OK, (8, 4))
INVALID = Verdict(VerdictKind.SCORES, VerdictStatus.UNPARSABLE, reason="broken JSON")


def verdict(ground: Ground, key: str, said: Verdict, first: int = 0, second: int = 1) -> NewVerdict:
    players = [ground.players[place].id for place in (first, second)]
    return NewVerdict(f"v1:{key}", ground.judge.id, ground.prompt_id, *players, said)


def landed(store: Store) -> Ground:
    """Two arenas share a battle shown in both orders; one verdict is of no battle. One question took two tries."""
    with store.write() as tx:
        ground = lay_ground(tx)
        land_verdicts(tx, [verdict(ground, "straight", INVALID)])
        numbers = land_verdicts(
            tx,
            [
                verdict(ground, "straight", OK),
                verdict(ground, "swapped", OK, 1, 0),
                verdict(ground, "alone", OK),
            ],
        )
        games = ((False, numbers["v1:straight"][0]), (True, numbers["v1:swapped"][0]))
        other = land_arena(tx, "other", OutcomeRule.MEAN_MARGIN, OnCut.JUDGE)
        for arena in (ground.arena, other):
            land_battles(tx, arena, [battle(ground, "b", games=games, decision=DECIDED[Outcome.TIE])])
    return ground


def test_every_try_is_a_row_and_an_arena_has_those_that_its_battles_rest_on(store: Store) -> None:
    ground = landed(store)
    every = read_said(store.reader, ground.judge.id)
    assert [(row.key, row.tried, row.status, row.reason) for row in every] == [
        ("v1:alone", 0, "ok", None),
        ("v1:straight", 0, "unparsable", "broken JSON"),
        ("v1:straight", 1, "ok", None),
        ("v1:swapped", 0, "ok", None),
    ]
    here = read_said(store.reader, ground.judge.id, ground.arena.id)
    assert [row.key for row in here] == ["v1:straight", "v1:straight", "v1:swapped"]
    assert [row.value for row in here] == [None, "[8.0, 4.0]", "[8.0, 4.0]"]


def test_a_battle_of_two_arenas_is_one_pair_of_games(store: Store) -> None:
    ground = landed(store)
    numbers = {row.key: row.id for row in read_said(store.reader, ground.judge.id) if row.status == "ok"}
    pair = (numbers["v1:straight"], numbers["v1:swapped"])
    assert both_orders(store.reader, ground.judge.id) == [pair]
    assert both_orders(store.reader, ground.judge.id, ground.arena.id) == [pair]


def test_judges_are_those_that_said_something(store: Store) -> None:
    ground = landed(store)
    with store.write() as tx:
        lay_ground(tx, arena="third", judge="silent")
    assert [one.name for one in read_judges(store.reader)] == [ground.judge.name]
    third = store.reader.execute("SELECT id FROM arenas WHERE name = 'third'").fetchone()[0]
    assert read_judges(store.reader, third) == []
