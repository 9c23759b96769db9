"""What a run tells while it goes on."""

from __future__ import annotations

import json

from engine.battles.progress import RunEvent
from engine.jobs import events
from engine.store import open_store
from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import Request
from tests.servers.openai_server import Behaviour, answer, status


def test_the_preflight_tells_what_it_played_from_what_was_there_before(arena: Arena) -> None:
    first = arena.run(limit=4)
    assert (first.expected_battles, first.expected_responses) == (6, 6)
    second = arena.run(limit=7)
    assert (second.expected_battles, second.expected_responses) == (9, 9)
    told = [event.facts for event in arena.events if event.kind == "preflight"]
    assert [(facts["found"], facts["tried"]) for facts in told] == [(6, 6), (12, 0)]


def test_events_tell_the_whole_story_in_order(arena: Arena) -> None:
    arena.run(limit=3)
    kinds = [event.kind for event in arena.events if event.kind != "warning"]
    assert kinds[0] == "preflight"
    assert kinds[1] == "started"
    assert set(kinds[2:]) == {"progress"}
    assert all(isinstance(event, RunEvent) and json.dumps(dict(event.facts)) for event in arena.events)
    last = arena.events[-1].facts
    assert (last["done"], last["total"], last["decided"]) == (9, 9, 9)


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


def test_prompts_of_one_text_are_fought_once(arena: Arena) -> None:
    with (arena.folder / "prompts.jsonl").open("a") as file:
        file.write('\n{"id": "twin", "prompt": "question 3"}')
    assert arena.run().states == {"decided": 36}
    assert "1 of 13 prompts" in warnings(arena)[0]


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
