"""Whole runs against real servers: what lands, what is not done again, what waits."""

from __future__ import annotations

import asyncio
import json

import pytest

from engine.battles.progress import RunEvent
from engine.errors import EndpointError, Unfinished, UsageError
from engine.jobs import attempts, events, jobs, workers
from engine.jobs.worker import Batch, run_batch
from engine.plan import read_plan
from engine.ratings.leaderboard import leaderboard
from engine.store import counts, open_store
from tests.engine.jobs.arena_on_loopback import Arena, verdict
from tests.engine.jobs.stored import content, number, rows
from tests.servers.loopback import Request
from tests.servers.openai_server import Behaviour, answer, status


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


def test_the_preflight_tells_what_it_played_from_what_was_there_before(arena: Arena) -> None:
    first = arena.run(limit=4)
    assert (first.expected_battles, first.expected_responses) == (6, 6)
    second = arena.run(limit=7)
    assert (second.expected_battles, second.expected_responses) == (9, 9)
    told = [event.facts for event in arena.events if event.kind == "preflight"]
    assert [(facts["found"], facts["tried"]) for facts in told] == [(6, 6), (12, 0)]


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


def test_a_drained_run_is_unfinished_and_goes_on(arena: Arena) -> None:
    stop_after = 20
    plan = arena.folder / "plan.toml"
    plan.write_text(arena.plan_text())

    async def drained() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_chat(_: Request) -> None:
            if len(arena.judge.chats) == stop_after:
                loop.call_soon_threadsafe(stop.set)

        arena.judge.on_chat = on_chat
        with arena.open() as store:
            await run_batch(Batch(store, read_plan(plan), arena.events.append), stop)

    with pytest.raises(Unfinished) as unfinished:
        asyncio.run(drained())
    assert unfinished.value.exit_code == 3
    with open_store(arena.path) as store:
        (job,) = jobs.read_jobs(store.reader)
        assert job.state == "unfinished"
        verdicts = rows(store, "SELECT COUNT(*) FROM verdicts")[0][0]
        assert verdicts == len(arena.judge.chats)  # what was in flight was finished and kept
    assert arena.run().done == 36
    assert (arena.player_calls, len(arena.judge.chats)) == (36, 72)
    with open_store(arena.path) as store:
        assert [(job.id, job.state) for job in jobs.read_jobs(store.reader)] == [(1, "done")]
        assert [one["number"] for one in attempts.read_attempts(store.reader, 1)] == [1, 2]


def test_what_a_run_leaves_does_not_depend_on_how_often_it_was_stopped(
    arena: Arena, tmp_path_factory: pytest.TempPathFactory
) -> None:
    arena.run()
    with open_store(arena.path) as store:
        whole = content(store)
    pieces = Arena(tmp_path_factory.mktemp("pieces"), arena.loopback)
    pieces.served, pieces.judge = arena.served, arena.judge
    for limit in (1, 5, 12):
        pieces.run(limit=limit)
    with open_store(pieces.path) as store:
        assert content(store) == whole


def test_events_tell_the_whole_story_in_order(arena: Arena) -> None:
    arena.run(limit=3)
    kinds = [event.kind for event in arena.events if event.kind != "warning"]
    assert kinds[0] == "preflight"
    assert kinds[1] == "started"
    assert set(kinds[2:]) == {"progress"}
    assert all(isinstance(event, RunEvent) and json.dumps(dict(event.facts)) for event in arena.events)
    last = arena.events[-1].facts
    assert (last["done"], last["total"], last["decided"]) == (9, 9, 9)


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


def warnings(arena: Arena) -> list[str]:
    return [event.facts["text"] for event in arena.events if event.kind == "warning"]


def test_battles_that_wait_are_told_with_what_helps(arena: Arena) -> None:
    arena.judge.choose = lambda request: answer("I would rather not say.")
    arena.run(limit=1, judge="tries = 1")
    (text,) = warnings(arena)
    assert text == (
        "3 battles wait: 3 x unparsable verdict. A larger 'tries' of the judge allows more tries of a verdict."
    )
    with open_store(arena.path) as store:
        kinds = [(event.kind, event.level) for event in events.read_events(store.reader, 1)]
        assert kinds == [
            ("queued", "info"),
            ("started", "info"),
            ("warning", "warning"),
            ("finished", "info"),
        ]


def test_every_event_of_a_job_names_it_and_a_dry_run_has_none(arena: Arena) -> None:
    arena.run(limit=1)
    assert {event.facts["job"] for event in arena.events} == {1}
    arena.events.clear()
    arena.run(dry_run=True)
    assert not any("job" in event.facts for event in arena.events)


def test_a_failed_run_has_the_same_places_when_it_is_run_again(
    arena: Arena, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good, served = arena.judge.choose, arena.judge.listed

    def becomes_another(request: Request) -> Behaviour:
        if len(arena.judge.chats) <= 20:
            return good(request)
        arena.judge.listed = [{"id": "judge", "root": "other weights"}]
        return status(500)

    arena.judge.choose = becomes_another
    with pytest.raises(EndpointError, match="it serves something else now"):
        arena.run()
    arena.judge.choose, arena.judge.listed = good, served
    arena.run()
    undisturbed = Arena(tmp_path_factory.mktemp("undisturbed"), arena.loopback)
    undisturbed.run()
    with open_store(arena.path) as store, open_store(undisturbed.path) as other:
        assert [job.state for job in jobs.read_jobs(store.reader)] == ["done", "failed"]
        assert content(store) == content(other)


def test_prompts_of_one_text_are_fought_once(arena: Arena) -> None:
    with (arena.folder / "prompts.jsonl").open("a") as file:
        file.write('\n{"id": "twin", "prompt": "question 3"}')
    assert arena.run().states == {"decided": 36}
    assert "1 of 13 prompts" in warnings(arena)[0]


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


def test_what_this_version_does_not_do_is_said_before_anything_is_asked(arena: Arena) -> None:
    arena.run(limit=1, judge="serve = 'serve {model} on {port}'")
    assert arena.events[0].kind == "warning"
    assert "does nothing with judges.judge.serve" in arena.events[0].facts["text"]


def test_what_a_player_notes_is_told_once_while_the_run_goes_on(arena: Arena) -> None:
    """A server that refuses schemas: the judge's player notes it."""
    arena.judge.choose = lambda request: (
        status(400, "no schemas here") if "response_format" in request.json else judge_line(request)
    )
    arena.run("judges.judge.options.player.structured='auto'", limit=2)
    noted = [text for text in warnings(arena) if "schema" in text]
    assert len(noted) == 1


def judge_line(request: Request) -> Behaviour:
    return answer("cannot say")


@pytest.mark.parametrize(
    ("limit", "calls"), [("max_calls = 40", 40), ("max_tokens = 400", 42), ("max_calls = 7", 7)]
)
def test_a_budget_drains_the_run_and_a_larger_one_goes_on(arena: Arena, limit: str, calls: int) -> None:
    with pytest.raises(Unfinished, match="the budget of") as unfinished:
        arena.run(run=limit)
    assert unfinished.value.exit_code == 3
    asked = arena.player_calls + len(arena.judge.chats)
    if "calls" in limit:
        assert asked == calls
    with open_store(arena.path) as store:
        assert (
            number(store, "SELECT COUNT(*) FROM responses") + number(store, "SELECT COUNT(*) FROM verdicts")
            == asked
        )
        assert jobs.read_jobs(store.reader)[0].state == "unfinished"
    with pytest.raises(Unfinished):  # spent is spent, also by an earlier attempt
        arena.run(run=limit)
    assert arena.player_calls + len(arena.judge.chats) == asked
    assert arena.run().states == {"decided": 36}
    with open_store(arena.path) as store:
        assert [job.id for job in jobs.read_jobs(store.reader)] == [1]


def test_a_budget_of_money_counts_by_price(arena: Arena) -> None:
    """The judge costs 7 x 1000 + 3 x 2000 a million calls; players nothing."""
    with pytest.raises(Unfinished, match=r"budget of 0\.13 is reached"):
        arena.run(run="max_cost = 0.13", judge="price_in = 1000\nprice_out = 2000")
    assert 10 <= len(arena.judge.chats) < 72


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_run_that_is_stopped_before_it_began_asks_nobody(arena: Arena, dry_run: bool) -> None:
    plan = arena.write_plan()

    async def stopped() -> None:
        stop = asyncio.Event()
        stop.set()
        with arena.open() as store:
            await run_batch(Batch(store, read_plan(plan), arena.events.append, dry_run=dry_run), stop)

    with pytest.raises(Unfinished):
        asyncio.run(stopped())
    assert arena.player_calls + len(arena.judge.chats) == 0
    with open_store(arena.path) as store:
        states = [job.state for job in jobs.read_jobs(store.reader)]
    assert states == ([] if dry_run else ["unfinished"])


def test_a_run_that_is_cancelled_keeps_what_had_come_and_goes_on(arena: Arena) -> None:
    """A second Ctrl-C: what is in flight is given up."""
    plan = arena.write_plan()

    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()

        def on_chat(_: Request) -> None:
            if len(arena.judge.chats) == 30:
                loop.call_soon_threadsafe(task.cancel)

        arena.judge.on_chat = on_chat
        with arena.open() as store:
            await run_batch(Batch(store, read_plan(plan), arena.events.append), asyncio.Event())

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    arena.judge.on_chat = None
    with open_store(arena.path) as store:
        (job,) = jobs.read_jobs(store.reader)
        assert (job.state, job.reason) == ("unfinished", "interrupted")
        assert [one["exit_code"] for one in attempts.read_attempts(store.reader, 1)] == [130]
        landed = number(store, "SELECT COUNT(*) FROM verdicts")
    given_up = len(arena.judge.chats) - landed
    assert arena.run().states == {"decided": 36}
    assert arena.asked_again(landed) >= given_up


def test_the_newest_snapshot_of_an_attempt_is_the_one_that_is_kept(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.jobs.worker.SNAPSHOT_SECONDS", 0.001)
    arena.run()
    with open_store(arena.path) as store:
        assert rows(store, "SELECT attempt_id, battles FROM rating_snapshots") == [(1, 36)]
