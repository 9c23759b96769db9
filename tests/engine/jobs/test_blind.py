"""A judge is not told whose responses it reads (attack A19)."""

from __future__ import annotations

import pytest

from tests.engine.jobs.arena_on_loopback import PLAYERS, Arena, verdict
from tests.servers.openai_server import answer


@pytest.mark.parametrize("template", ["brief", "arena-learning"])
def test_no_name_of_a_player_or_model_stands_on_the_page(arena: Arena, template: str) -> None:
    for served in arena.served.values():
        served.choose = lambda request: answer("four")
    arena.judge.choose = lambda request: verdict(5, 6)
    arena.run(judge=f"template = '{template}'", limit=3)
    assert arena.judge.chats
    for request in arena.judge.chats:
        said = " ".join(message["content"] for message in request.json["messages"]).lower()
        words = set("".join(letter if letter.isalnum() else " " for letter in said).split())
        assert not words & {*PLAYERS, "loop"}  # nor of the run
