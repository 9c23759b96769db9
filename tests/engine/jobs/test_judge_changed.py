"""A judge that is another between two runs of a plan: no verdict of the one counts for the other (fault F43)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import pytest

from engine.ratings.views import find_view
from engine.store import open_store
from tests.engine.jobs.arena_on_loopback import Arena, verdict
from tests.servers.openai_server import answer

TEMPLATE = "template = 'judge.toml'"
PAIRS = 3
GAMES = 2


def write_template(arena: Arena, words: str = "") -> None:
    text = resources.files("data").joinpath("judges/brief.toml").read_text(encoding="utf-8")
    (arena.folder / "judge.toml").write_text(text.replace("10 is right", f"{words}10 is right"))


def edit_template(arena: Arena) -> None:
    write_template(arena, "Be strict. ")


def serve_another_model(arena: Arena) -> None:
    """Behind the name that it had: only what the server tells of its weights is another."""
    arena.judge.listed = [{"id": "judge", "object": "model", "root": "other weights", "max_model_len": 4096}]


def render_another_way(arena: Arena) -> None:
    """The server's chat template is another: the token ids of a fixed conversation tell."""
    arena.judge.tokens = [1, 2, 3]


def verdicts_by_judge(arena: Arena) -> dict[str, set[str]]:
    with open_store(arena.path) as store:
        rows = store.reader.execute("SELECT j.name, v.key FROM verdicts v JOIN judges j ON j.id = v.judge_id")
        found: dict[str, set[str]] = {}
        for name, key in rows:
            found.setdefault(name, set()).add(key)
        return found


def games_across_judges(arena: Arena) -> int:
    """Games of battles before one judge that rest on a verdict of another."""
    with open_store(arena.path) as store:
        (count,) = store.reader.execute(
            "SELECT COUNT(*) FROM games g JOIN battles b ON b.id = g.battle_id JOIN verdicts v ON v.id = g.verdict_id"
            " WHERE b.judge_id != v.judge_id"
        ).fetchone()
        return int(count)


@pytest.mark.parametrize("change", [edit_template, serve_another_model, render_another_way])
def test_a_changed_judge_decides_anew_and_apart(arena: Arena, change: Callable[[Arena], None]) -> None:
    write_template(arena)
    arena.judge.choose = lambda request: verdict(9, 2)
    arena.run(judge=TEMPLATE, limit=4)
    asked, answered = len(arena.judge.chats), arena.player_calls
    assert asked == 4 * PAIRS * GAMES

    change(arena)
    arena.judge.choose = lambda request: verdict(2, 9)
    progress = arena.run(judge=TEMPLATE)

    assert progress.states["decided"] == 12 * PAIRS
    assert len(arena.judge.chats) - asked == 12 * PAIRS * GAMES  # those of the first run as well
    assert arena.player_calls - answered == 8 * 3  # responses are the players' own, and stay
    found = verdicts_by_judge(arena)
    assert {name: len(keys) for name, keys in found.items()} == {
        "judge": asked,
        "judge.2": 12 * PAIRS * GAMES,
    }
    assert not found["judge"] & found["judge.2"]
    assert games_across_judges(arena) == 0
    assert any("judge.2" in event.facts.get("text", "") for event in arena.events if event.kind == "warning")


def test_a_judge_that_is_as_it_was_goes_on_where_it_stopped(arena: Arena) -> None:
    write_template(arena)
    arena.judge.choose = lambda request: verdict(9, 2)
    arena.run(judge=TEMPLATE, limit=4)
    asked = len(arena.judge.chats)
    write_template(arena)
    arena.run(judge=TEMPLATE)
    assert len(arena.judge.chats) == 12 * PAIRS * GAMES > asked
    assert verdicts_by_judge(arena).keys() == {"judge"}


def test_ratings_rest_on_one_of_the_judges(arena: Arena) -> None:
    write_template(arena)
    arena.judge.choose = lambda request: verdict(9, 2)
    arena.run(judge=TEMPLATE)
    edit_template(arena)
    arena.run(judge=TEMPLATE)
    with open_store(arena.path) as store:
        for name in ("judge", "judge.2"):
            assert find_view(store.reader, None, name, None).judge == name
        rows = store.reader.execute(
            "SELECT judge_id, SUM(decided) FROM pair_counts WHERE category = '' GROUP BY 1"
        )
        assert [decided for _, decided in rows] == [12 * PAIRS] * 2


def test_a_reply_of_another_model_is_no_verdict(arena: Arena) -> None:
    """The server says itself that another model answered: the call failed, and its battle waits."""
    write_template(arena)
    said = '{"explanation": "x", "score_first": 9, "score_second": 2}'
    arena.judge.choose = lambda request: answer(said, model="another")
    progress = arena.run(judge=f"{TEMPLATE}\ntries = 1", limit=1)
    assert progress.states["decided"] == 0
    assert progress.states["waiting"] == PAIRS
    with open_store(arena.path) as store:
        reasons = {reason for (reason,) in store.reader.execute("SELECT reason FROM verdicts")}
    assert all("other model" in reason for reason in reasons)
