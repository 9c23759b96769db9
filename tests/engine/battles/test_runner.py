"""Whole runs in one process: what is landed, in which order things fail, and that nothing hangs."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.battles.flow import Frontier
from engine.battles.judging import Judging
from engine.battles.responding import Responding
from engine.battles.run import Run
from engine.battles.runner import play
from engine.errors import EndpointError, StoreError
from engine.jobs.beside import first_failure
from engine.judges.base import Question
from engine.players.base import ChatReply, ChatRequest
from engine.records import OutcomeRule, ResponseStatus, Verdict, VerdictStatus
from engine.store import Store, counts, open_store
from tests.engine.battles.small_run import World, other_judge, said, scored, unparsable, world
from tests.engine.jobs.stored import content, number, rows


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.db", writable=True) as opened:
        yield opened


def by_length(question: Question) -> Verdict:
    assert question.shown.second is not None
    first, second = (len(side.turns[0].answer) for side in (question.shown.first, question.shown.second))
    return scored(1 + first % 10, 1 + second % 10)


def play_out(small: World) -> Run:
    """Play with the first failure raised by itself, as the worker does; no run may take long."""

    async def playing() -> Run:
        run = small.run()
        with first_failure():
            async with asyncio.timeout(30):
                await play(run)
        return run

    return asyncio.run(playing())


# What a run leaves


def test_what_a_run_leaves_depends_neither_on_the_order_of_answers_nor_on_pieces(
    store: Store, tmp_path: Path
) -> None:
    world(store, by_length).play()
    with open_store(tmp_path / "b.db", writable=True) as pieces:
        for prompts in (2, 5, 6):
            world(pieces, by_length, prompts=prompts).play()
        # Positions count in the order of the whole plan, which a set that grows has not; all else is equal.
        assert [row[:-3] for row in content(pieces)["battles"]] == [
            row[:-3] for row in content(store)["battles"]
        ]
        assert content(pieces)["verdicts"] == content(store)["verdicts"]


def test_two_judges_are_kept_apart_and_share_the_responses(store: Store) -> None:
    small = world(store, by_length)
    small.umpires.append(other_judge(small.umpires[0], "second"))
    run = small.play()
    assert (run.progress.total, run.progress.done) == (36, 36)
    assert all(len(one.asked) == 6 for one in small.players)
    assert rows(
        store,
        "SELECT j.name, COUNT(*), MIN(position), MAX(position) FROM battles b"
        " JOIN judges j ON j.id = b.judge_id GROUP BY j.id",
    ) == [("umpire", 18, 0, 17), ("second", 18, 0, 17)]


def test_the_same_two_responses_are_one_battle_in_every_run(store: Store) -> None:
    """Two plans of other seeds, with their players named in another order, over the same (greedy) responses."""
    small = world(store, by_length)
    small.play()
    again = world(store, by_length, players=("eve", "bob", "ada"))
    again.seed = 99
    assert again.play().progress.found == 18
    assert number(store, "SELECT COUNT(*) FROM battles") == 18


def test_another_arena_takes_responses_and_verdicts_and_asks_nobody(store: Store) -> None:
    world(store, by_length).play()
    strict = world(store, by_length)
    strict.arena, strict.rule = "strict", OutcomeRule.STRICT
    assert strict.play().progress.states == {"decided": 18}
    assert not any(one.asked for one in (*strict.players, *strict.umpires))


def test_each_try_of_a_verdict_is_kept_however_fast_they_come(store: Store) -> None:
    small = world(store, lambda question: unparsable(f"try {question.attempt}"), prompts=3)
    assert small.play().progress.states == {"waiting": 9}
    assert rows(store, "SELECT try, COUNT(*) FROM verdicts GROUP BY try") == [(0, 18), (1, 18), (2, 18)]
    assert rows(
        store, "SELECT COUNT(*) FROM verdicts v JOIN texts t ON t.id = v.raw WHERE t.body = 'try ' || try"
    ) == [(54,)]
    assert world(store, by_length, prompts=3).play().progress.states == {"waiting": 9}  # the tries are spent


def test_a_resumed_run_asks_again_as_an_undisturbed_one_would(store: Store) -> None:
    """A verdict that was cut is asked for with more room; that must survive the end of the process."""

    def needs_room(question: Question) -> Verdict:
        if len(small.umpires[0].asked) > 40:
            raise EndpointError("gone")
        return by_length(question) if question.cuts == 1 else replace(unparsable(), status=VerdictStatus.CUT)

    small = world(store, needs_room, prompts=3)
    small.tries = 2
    small.umpires[0].decide = lambda question: (
        needs_room(question) if question.attempt == 0 else _raise(EndpointError("gone"))
    )
    with pytest.raises(EndpointError):
        play_out(small)
    assert number(store, "SELECT COUNT(*) FROM verdicts WHERE status = 'cut'") > 0
    small.umpires[0].decide = needs_room
    small.umpires[0].asked.clear()
    assert play_out(small).progress.states == {"decided": 9}


def _raise(error: Exception) -> Verdict:
    raise error


def test_equal_responses_are_shown_once_and_both_games_are_settled(store: Store) -> None:
    small = world(store, lambda question: scored(5, 5))
    for one in small.players:
        one.say = lambda request: said(request, "the same")
    assert small.play().progress.states == {"decided": 18}
    assert len(small.umpires[0].asked) == 6  # one page a prompt
    assert number(store, "SELECT COUNT(*) FROM games") == 36
    assert counts.differences(store.reader, 1) == []


def test_a_verdict_that_another_run_landed_meanwhile_stands(store: Store) -> None:
    """Both ask the same; what the store had first is what the battle rests on."""
    other = world(store, lambda question: scored(9, 1))
    other.arena = "other"

    def meanwhile(question: Question) -> Verdict:
        if not other.umpires[0].asked:
            process = threading.Thread(target=other.play)  # with a loop of its own, as another process has
            process.start()
            process.join()
        return scored(1, 9)

    world(store, meanwhile).play()
    told = rows(store, "SELECT DISTINCT value FROM verdicts")
    decided = rows(store, "SELECT DISTINCT margin FROM battles WHERE arena_id = 1")
    assert [json.loads(str(value)) for (value,) in told] == [[9, 1]]
    assert decided == [(0.0,)]  # 9:1 in both orders


# What goes wrong


def test_a_player_that_cannot_go_on_ends_the_run_and_its_reason_is_told(store: Store) -> None:
    small = world(store, by_length)

    def fails(request: ChatRequest) -> ChatReply:
        if len(small.players[1].asked) == 4:
            raise EndpointError("no endpoint can be asked any more")
        return said(request)

    small.players[1].say = fails
    with pytest.raises(EndpointError, match="no endpoint"):
        play_out(small)
    assert rows(
        store,
        "SELECT p.name, COUNT(*) FROM responses r JOIN players p ON p.id = r.player_id WHERE p.name = 'bob'",
    ) == [("bob", 3)]
    small.players[1].say = said
    assert play_out(small).progress.states == {"decided": 18}


def test_a_judge_that_cannot_go_on_ends_the_run_and_its_reason_is_told(store: Store) -> None:
    small = world(store, by_length)

    def fails(question: Question) -> Verdict:
        if len(small.umpires[0].asked) == 10:
            raise EndpointError("the judge is gone")
        return by_length(question)

    small.umpires[0].decide = fails
    with pytest.raises(EndpointError, match="the judge is gone"):
        play_out(small)
    landed = number(store, "SELECT COUNT(*) FROM verdicts")
    assert landed in (8, 9)  # the other lane may have had one in flight
    small.umpires[0].decide = by_length
    assert play_out(small).progress.states == {"decided": 18}
    assert len(small.umpires[0].asked) == 10 + 36 - landed


@pytest.mark.parametrize("table", ["responses", "verdicts", "battles"])
def test_a_landing_that_fails_ends_the_run_and_is_told(store: Store, table: str) -> None:
    with store.write() as tx:
        tx.connection.execute(
            f"CREATE TRIGGER full BEFORE INSERT ON {table} WHEN (SELECT COUNT(*) FROM {table}) >= 40"
            " BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    small = world(store, by_length, prompts=60)
    with pytest.raises(Exception, match="no room"):
        play_out(small)
    with store.write() as tx:
        tx.connection.execute("DROP TRIGGER full")
    assert play_out(small).progress.states == {"decided": 180}
    assert counts.differences(store.reader, 1) == []


def test_a_judge_that_leaves_questions_out_is_found_out(store: Store) -> None:
    small = world(store, by_length)
    judge = small.umpires[0].judge

    async def forgetful(questions, attempt=0):  # type: ignore[no-untyped-def]
        async for question, verdict in judge(questions, attempt):
            if len(small.umpires[0].asked) != 5:
                yield question, verdict

    small.umpires[0].judge = forgetful  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="left undone"):
        play_out(small)


def test_responses_that_are_gone_are_told(store: Store) -> None:
    async def judging_alone() -> None:
        run = world(store, by_length).run()
        frontier = Frontier()
        frontier.pass_by(6)
        with first_failure():
            await Judging(run, run.cast.benches["umpire"], [frontier]).run()

    with pytest.raises(StoreError, match="responses to 18 battles have gone"):
        asyncio.run(judging_alone())


def test_a_failed_response_makes_its_battles_wait_and_the_others_go_on(store: Store) -> None:
    small = world(store, by_length)
    small.players[0].say = lambda request: said(request, status=ResponseStatus.FAILED, error="no")
    progress = small.play().progress
    assert progress.states == {"decided": 6, "waiting": 12}
    assert progress.reasons == {("waiting", "failed response"): 12}
    assert progress.problems == {"failed response": 6}


def test_what_was_asked_is_let_go(store: Store) -> None:
    async def playing() -> int:
        run = world(store, by_length, prompts=50).run()
        responding = [Responding(run, seat) for seat in run.cast.seats.values()]
        judging = Judging(run, run.cast.benches["umpire"], [one.frontier for one in responding])
        async with asyncio.TaskGroup() as tasks:
            for half in (*responding, judging):
                tasks.create_task(half.run())
        return sum(len(one._asked) for one in responding) + len(judging._open) + len(judging._waiting)

    assert asyncio.run(playing()) == 0
