"""Requests of jobs that nobody is at, of jobs whose worker is gone, and jobs that kill their workers."""

from __future__ import annotations

import pytest

from engine.errors import StoreError, UsageError
from engine.jobs import attempts, events, jobs, requests, settling
from engine.jobs.claiming import CrashLoop, claim_batch
from engine.jobs.limits import Limits, parse_limit, still_said
from engine.jobs.worker import Batch
from engine.plan import read_plan
from engine.store import Store
from engine.store.responses import NewResponse, land_responses
from engine.store.store import Fence
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.claims import claim, die
from tests.engine.store.landing import lay_ground, response


def queued(store: Store, digest: str = "d") -> int:
    with store.write() as tx:
        return jobs.submit(tx, digest, "loop", "")


def ask(store: Store, job: int, request: settling.Request) -> jobs.Job:
    with store.write() as tx:
        return requests.ask(tx, job, request)


def resume(store: Store, job: int) -> jobs.Job:
    with store.write() as tx:
        return requests.resume(tx, job)


def waiting(store: Store) -> list[int]:
    with store.write() as tx:
        return [job.id for job in settling.settle_all(tx)]


@pytest.mark.parametrize(
    ("request_", "state"), [("pause", "paused"), ("drain", "unfinished"), ("cancel", "cancelled")]
)
def test_what_is_asked_of_a_job_that_nobody_is_at_is_done_at_once(
    store: Store, request_: settling.Request, state: str
) -> None:
    job = queued(store)
    left = ask(store, job, request_)
    assert (left.state, left.request, left.reason) == (state, None, f"asked to {request_}")
    assert waiting(store) == []
    assert resume(store, job).state == "queued"
    assert waiting(store) == [job]


@pytest.mark.parametrize(
    ("request_", "state"), [("pause", "paused"), ("drain", "unfinished"), ("cancel", "cancelled")]
)
def test_what_was_asked_of_a_worker_that_died_is_done(
    store: Store, request_: settling.Request, state: str
) -> None:
    job = claim(store).job_id
    asked = ask(store, job, request_)
    assert (asked.state, asked.request) == ("running", request_)
    die(store)
    assert waiting(store) == []
    assert jobs.read_job(store.reader, job).state == state


def test_a_job_whose_worker_died_waits_for_another(store: Store) -> None:
    first, second = claim(store, "d"), queued(store, "e")
    assert waiting(store) == [second]
    die(store)
    assert waiting(store) == [first.job_id, second]
    left = jobs.read_job(store.reader, first.job_id)
    assert (left.state, left.reason) == ("queued", attempts.DIED)
    assert [one["state"] for one in attempts.read_attempts(store.reader, left.id)] == ["lost"]
    assert events.read_events(store.reader, left.id)[-1].kind == "lost"


def test_a_job_that_is_over_is_asked_for_nothing(store: Store) -> None:
    fence = claim(store)
    attempts.finish(store, fence, "done", 0)
    for request in ("pause", "drain", "cancel"):
        with pytest.raises(StoreError, match="job 1 is over: it is done"):
            ask(store, 1, request)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="job 1 is done"):
        resume(store, 1)
    with store.write() as tx, pytest.raises(StoreError, match="it is done"):
        requests.set_limits(tx, 1, {"max_calls": 1})
    with pytest.raises(UsageError, match="there is no job 7"):
        ask(store, 7, "pause")


def test_a_running_job_is_not_resumed_and_one_that_stops_is_not_called_back(store: Store) -> None:
    job = claim(store).job_id
    with pytest.raises(StoreError, match="job 1 is running"):
        resume(store, job)
    ask(store, job, "drain")
    with pytest.raises(StoreError, match="is stopping"):
        resume(store, job)


def test_of_one_plan_one_job_is_open(store: Store) -> None:
    old = queued(store)
    ask(store, old, "cancel")
    new = queued(store)
    assert new != old
    with pytest.raises(StoreError, match=f"job {new} is of the same plan and queued"):
        resume(store, old)


def lose(store: Store, times: int) -> None:
    for _ in range(times):
        claim(store)
        die(store)


def test_a_job_that_kills_its_workers_fails_and_is_started_afresh_when_it_is_resumed(store: Store) -> None:
    lose(store, attempts.MOST_LOST - 1)
    assert waiting(store) == [1]
    lose(store, 1)
    assert waiting(store) == []
    job = jobs.read_job(store.reader, 1)
    assert (job.state, job.ended_at is not None) == ("failed", True)
    assert "5 workers died at it one after another, and landed nothing" in str(job.reason)
    assert attempts.is_looping(store.reader, 1)
    resume(store, 1)
    lose(store, attempts.MOST_LOST - 1)
    assert waiting(store) == [1]


def land(store: Store, fence: Fence, key: str = "r1:x") -> None:
    """A response, new or tried again, of an attempt."""
    with store.write() as tx:
        ground = lay_ground(tx)
    with store.write(fence) as tx:
        land_responses(tx, [NewResponse(key, ground.prompt_id, ground.players[0].id, response("x"))])


def test_a_row_that_lands_between_forgives_lost_attempts(store: Store) -> None:
    """Workers that a scheduler kills come forward all the same."""
    lose(store, attempts.MOST_LOST - 1)
    land(store, claim(store))
    die(store)
    assert waiting(store) == [1]
    lose(store, attempts.MOST_LOST - 1)
    assert waiting(store) == [1]
    lose(store, 1)
    assert waiting(store) == []


def test_what_other_jobs_land_hides_no_crash_loop(store: Store) -> None:
    """A worker that goes from job to job, and dies at one of them each time."""
    for number in range(attempts.MOST_LOST):
        other = claim(store, "another")
        land(store, other, f"r1:{number}")
        attempts.finish(store, other, "unfinished", 3)
        claim(store, "deadly")
        die(store)
    assert waiting(store) == []
    assert [job.state for job in sorted(jobs.read_jobs(store.reader), key=lambda job: job.id)] == [
        "unfinished",
        "failed",
    ]


def test_a_batch_says_that_workers_die_at_its_job_until_it_is_resumed(arena: Arena) -> None:
    with arena.open() as store:
        batch = Batch(store, read_plan(arena.write_plan()), arena.events.append)
        for number in range(1, attempts.MOST_LOST + 1):
            assert claim_batch(batch).number == number
            die(store)
        for _ in range(2):
            with pytest.raises(CrashLoop, match="job 1 failed: 5 workers died at it") as loop:
                claim_batch(batch)
            assert "arena-tui jobs resume 1" in loop.value.mend
        resume(store, 1)
        assert claim_batch(batch).number == attempts.MOST_LOST + 1


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("max_calls=20000", ("max_calls", 20_000)),
        ("max_tokens=5_000_000", ("max_tokens", 5_000_000)),
        ("max_cost=2.5", ("max_cost", 2.5)),
        ("stop_after=3h50m", ("stop_after", 13_800)),
        ("max_cost=none", ("max_cost", None)),
    ],
)
def test_limits_are_read(text: str, limit: tuple[str, float | None]) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    "text",
    ["max_calls", "max_calls=0", "max_calls=1.5", "max_cost=inf", "max_cost=nan", "stop_after=5", "seed=1"],
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_limit(text)


def test_what_was_set_holds_until_the_plan_says_something_else() -> None:
    said = {"max_calls": 5.0, "max_cost": None}
    plan = "[run]\nmax_calls = 3\nmax_cost = 1.0\n"
    assert still_said(said, plan, plan) == said
    assert still_said(said, plan, plan.replace("3", "4")) == {"max_cost": None}
    assert still_said(said, plan, "[run]\nmax_calls = 3\n") == {"max_calls": 5.0}
    limits = Limits(max_calls=3, max_cost=1.0, stop_after=60).with_said(said)
    assert limits == Limits(max_calls=5, max_cost=None, stop_after=60)
