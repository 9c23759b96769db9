"""Whole runs against real servers: what lands, what is not done again, what waits."""

from __future__ import annotations

import asyncio

import pytest

from engine.errors import UsageError
from engine.jobs import attempts, jobs, workers
from engine.jobs.worker import Batch, run_batch
from engine.plan import read_plan
from engine.ratings.leaderboard import leaderboard
from engine.store import counts, open_store
from tests.engine.jobs.arena_on_loopback import Arena, verdict
from tests.engine.jobs.stored import content, number, rows
from tests.servers.loopback import Request
from tests.servers.openai_server import Behaviour, answer


def test_every_pair_is_judged_in_both_orders_and_counted(arena: Arena) -> None:
    progress = arena.run()
    assert progress.states == {"decided": 36}  # 12 prompts, 3 pairs
    assert arena.player_calls == 36
    assert len(arena.judge.chats) == 72
    with open_store(arena.path) as store:
        board = leaderboard(store)
        assert counts.differences(store.reader, board.view.arena.id) == []
        # ada beat both others always: no finite rating; the same of eve the other way.
        assert [row.model for row in sorted(board.rows, key=lambda r: -(r.win_rate or 0))] == [
            "ada",
            "bob",
            "eve",
        ]
        assert [row.win_rate for row in sorted(board.rows, key=lambda r: r.model)] == [1.0, 0.5, 0.0]
        assert all(row.rating is None for row in board.rows)
        assert board.row("ada").reason is not None


def test_a_second_run_asks_nobody(arena: Arena) -> None:
    arena.run()
    asked = arena.player_calls, len(arena.judge.chats)
    with open_store(arena.path) as store:
        before = content(store)
    progress = arena.run()
    assert (arena.player_calls, len(arena.judge.chats)) == asked
    assert (progress.found, progress.done) == (36, 36)
    with open_store(arena.path) as store:
        assert content(store) == before


def test_a_larger_limit_contains_a_smaller_one(arena: Arena) -> None:
    arena.run(limit=4)
    with open_store(arena.path) as store:
        first = set(rows(store, "SELECT key FROM battles"))
    assert len(first) == 12
    assert arena.run(limit=7).found == 12
    with open_store(arena.path) as store:
        assert first < set(rows(store, "SELECT key FROM battles"))


def test_a_dry_run_makes_a_few_calls_and_leaves_nothing_but_their_answers(
    arena: Arena, tmp_path_factory: pytest.TempPathFactory
) -> None:
    arena.run(dry_run=True, run="outcome_rule = 'strict'")
    made = arena.player_calls, len(arena.judge.chats)
    assert made == (6, 12)  # two prompts
    (preflight,) = [event for event in arena.events if event.kind == "preflight"]
    needed = {one["name"]: one["needed"] for one in preflight.facts["calls"]}
    assert needed == {"ada": 10, "bob": 10, "eve": 10, "judge": 60}
    with open_store(arena.path) as store:
        for table, n in {"responses": 6, "verdicts": 12, "battles": 0, "arenas": 0, "jobs": 0}.items():
            assert number(store, f"SELECT COUNT(*) FROM {table}") == n
    arena.run()  # by another rule: a dry run binds nobody
    assert (arena.player_calls, len(arena.judge.chats)) == (36, 72)
    undisturbed = Arena(tmp_path_factory.mktemp("undisturbed"), arena.loopback)
    undisturbed.run()
    with open_store(arena.path) as store, open_store(undisturbed.path) as other:
        assert content(store) == content(other)


def test_an_invalid_verdict_is_asked_again_then_its_battle_waits(arena: Arena) -> None:
    arena.judge.choose = lambda request: answer("I would rather not say.")
    progress = arena.run(limit=2, judge="tries = 3")
    assert progress.states == {"waiting": 6}
    assert len(arena.judge.chats) == 36  # 12 games, three tries each
    with open_store(arena.path) as store:
        assert rows(store, "SELECT DISTINCT state, reason FROM battles") == [
            ("waiting", "unparsable verdict")
        ]
        assert rows(
            store, "SELECT COUNT(*), COUNT(DISTINCT key) FROM verdicts WHERE status = 'unparsable'"
        ) == [(36, 12)]
        assert rows(store, "SELECT DISTINCT t.body FROM verdicts v JOIN texts t ON t.id = v.raw") == [
            ("I would rather not say.",)
        ]
    # The limit is spent: nobody is asked again until it is raised.
    arena.run(limit=2, judge="tries = 3")
    assert len(arena.judge.chats) == 36
    arena.judge.choose = lambda request: verdict(8, 6)
    assert arena.run(limit=2, judge="tries = 4").states == {"decided": 6}
    assert len(arena.judge.chats) == 48


def test_a_failed_response_is_never_judged_and_is_tried_again(arena: Arena) -> None:
    good = arena.served["bob"].choose
    arena.served["bob"].choose = lambda request: answer("I am another", model="someone-else")
    progress = arena.run(limit=2)
    assert progress.states == {"decided": 2, "waiting": 4}  # ada against eve goes on
    assert len(arena.judge.chats) == 4
    with open_store(arena.path) as store:
        failed = rows(store, "SELECT status, error FROM responses WHERE status = 'failed'")
        assert len(failed) == 2
        assert all("other model" in str(error) for _, error in failed)
    arena.served["bob"].choose = good
    assert arena.run(limit=2).states == {"decided": 6}
    with open_store(arena.path) as store:
        assert rows(store, "SELECT COUNT(*) FROM responses WHERE status = 'failed'") == [(0,)]
        assert counts.differences(store.reader, 1) == []


@pytest.mark.parametrize(("on_cut", "state"), [("void", "void"), ("loss", "decided"), ("judge", "decided")])
def test_a_cut_response_means_what_the_plan_says(arena: Arena, on_cut: str, state: str) -> None:
    def rambles(request: Request) -> Behaviour:
        return answer("i am eve and ramble", finish_reason="length")

    arena.served["eve"].choose = rambles
    arena.run(limit=2, run=f"on_cut = '{on_cut}'")
    with open_store(arena.path) as store:
        board = leaderboard(store)
        assert dict(board.row("eve").unusual) == {"cut": 4}
        assert board.row("eve").sides == 4
        found = rows(store, "SELECT DISTINCT state FROM battles WHERE 'cut' IN (status_a, status_b)")
        assert found == [(state,)]
        assert board.row("eve").losses == (0 if on_cut == "void" else 4)


def test_an_arena_keeps_its_rules(arena: Arena) -> None:
    arena.run(limit=1)
    with pytest.raises(UsageError, match="rated by other rules"):
        arena.run(limit=1, run="outcome_rule = 'strict'")
    with open_store(arena.path) as store:
        assert [job.state for job in jobs.read_jobs(store.reader)] == ["failed", "done"]


def test_two_workers_cannot_run_one_job(arena: Arena) -> None:
    plan = arena.folder / "plan.toml"
    plan.write_text(arena.plan_text())
    effective = read_plan(plan)
    with arena.open() as store:
        with store.write() as tx:
            from engine.plan import plan_digest

            job = jobs.submit(tx, plan_digest(effective.plan), "loop", "")
            attempts.claim(tx, job, workers.register_worker(tx))
        with pytest.raises(attempts.JobBusy, match="is being run already"):
            asyncio.run(run_batch(Batch(store, effective, arena.events.append), asyncio.Event()))
    assert arena.player_calls == 0


def test_an_empty_category_is_none(arena: Arena) -> None:
    (arena.folder / "prompts.jsonl").write_text('{"id": "q", "prompt": "question", "category": ""}')
    arena.run()
    with open_store(arena.path) as store:
        assert rows(store, "SELECT DISTINCT category FROM battles") == [(None,)]
        assert counts.differences(store.reader, 1) == []


@pytest.mark.parametrize("noun", ["players", "judges"])
def test_two_that_are_one_and_the_same_are_refused(arena: Arena, noun: str) -> None:
    twin, entry = ("ada", arena.served["ada"].url) if noun == "players" else ("judge", arena.judge.url)
    kind = "http" if noun == "players" else "llm"
    text = f"{arena.plan_text()}\n[{noun}.zoe]\nkind = '{kind}'\nmodel = '{twin}'\nendpoints = ['{entry}']"
    text += "\noptions = { player = { structured = 'json_schema' } }" if noun == "judges" else ""
    plan = arena.folder / "twins.toml"
    plan.write_text(text)
    with arena.open() as store, pytest.raises(UsageError, match=f"{noun}.{twin} and {noun}.zoe are one"):
        asyncio.run(run_batch(Batch(store, read_plan(plan), arena.events.append), asyncio.Event()))


def test_the_newest_snapshot_of_an_attempt_is_the_one_that_is_kept(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.jobs.worker.SNAPSHOT_SECONDS", 0.001)
    arena.run()
    with open_store(arena.path) as store:
        assert rows(store, "SELECT attempt_id, battles FROM rating_snapshots") == [(1, 36)]
