"""The http player against a server whose model really generates, with and without a JSON grammar."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.players.base import ChatReply, ChatRequest, PlayerSpec
from engine.players.http import HttpPlayer
from engine.records import Message, ResponseStatus, Sampling
from tests.servers.grammar import Grammar
from tests.servers.pocket_server import PocketServer, Schemas

pytest.importorskip("transformers")
pytestmark = pytest.mark.torch

SCORE = {"type": "integer", "minimum": 1, "maximum": 10}
VERDICT = {
    "type": "object",
    "properties": {"score_a": SCORE, "score_b": SCORE, "explanation": {"type": "string", "maxLength": 40}},
    "required": ["score_a", "score_b", "explanation"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def holding(checkpoint: Path) -> Iterator[PocketServer]:
    with PocketServer(checkpoint) as server:
        yield server


def serve(checkpoint: Path, schemas: Schemas) -> PocketServer:
    return PocketServer(checkpoint, schemas=schemas)


def ask(server: PocketServer, number: int, **changes: Any) -> list[ChatReply]:
    fields: dict[str, Any] = {
        "sampling": Sampling(temperature=1.0, max_tokens=96),
        "schema": VERDICT,
    } | changes

    async def run() -> list[ChatReply]:
        player = HttpPlayer.from_plan("judge", PlayerSpec("judge", server.name, endpoints=(server.url,)))
        await player.open()
        messages = (Message("user", "Judge these two."),)
        requests = (ChatRequest(f"k{n}", messages, seed=n, **fields) for n in range(number))
        async with aclosing(player.chat(requests)) as replies:
            found = [reply async for reply in replies]
        await player.close()
        return sorted(found, key=lambda reply: int(reply.key[1:]))

    return asyncio.run(run())


def test_under_the_grammar_every_reply_is_a_verdict(holding: PocketServer) -> None:
    replies = ask(holding, 100)
    assert [reply.status for reply in replies] == [ResponseStatus.OK] * 100
    verdicts = [json.loads(reply.text) for reply in replies]
    for verdict in verdicts:
        jsonschema.validate(verdict, VERDICT)
    assert len({(v["score_a"], v["score_b"]) for v in verdicts}) > 10


def test_without_it_a_random_model_gives_none(checkpoint: Path) -> None:
    with serve(checkpoint, "ignore") as server:
        assert not any(_is_json(reply.text) for reply in ask(server, 50))


def test_a_server_that_refuses_schemas_is_asked_without(checkpoint: Path) -> None:
    with serve(checkpoint, "refuse") as server:
        assert all(reply.status is not ResponseStatus.FAILED for reply in ask(server, 20))


def test_a_seed_decides_the_answer_whatever_it_is_generated_with(holding: PocketServer) -> None:
    together = ask(holding, 30, schema=None)
    assert [reply.text for reply in ask(holding, 9, schema=None)] == [reply.text for reply in together[:9]]


def test_what_is_too_long_is_refused_by_the_server_and_recorded(holding: PocketServer) -> None:
    async def run() -> ChatReply:
        player = HttpPlayer.from_plan("p", PlayerSpec("p", holding.name, endpoints=(holding.url,)))
        await player.open()
        long = ChatRequest("k", (Message("user", "x" * 3000),), Sampling(max_tokens=5))
        (reply,) = [reply async for reply in player.chat([long])]
        await player.close()
        return reply

    reply = asyncio.run(run())
    assert (reply.status, reply.retryable) == (ResponseStatus.FAILED, False)
    assert "maximum context length is 2048" in (reply.error or "")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


# The grammar itself


@given(a=st.integers(-3, 14), b=st.integers(1, 10), text=st.text(st.characters(codec="ascii"), max_size=45))
def test_the_grammar_takes_what_the_schema_takes(a: int, b: int, text: str) -> None:
    grammar = Grammar(VERDICT)
    said = json.dumps({"score_a": a, "score_b": b, "explanation": text})
    plain = text.isprintable() and not set(text) & set('"\\')
    taken = grammar.is_over(grammar.after(grammar.start, said.encode()))
    assert taken == (1 <= a <= 10 and len(text) <= 40 and plain)


SHARED = Grammar(VERDICT)


@settings(max_examples=30)
@given(st.data())
def test_whatever_the_grammar_allows_ends_as_a_verdict(data: st.DataObject) -> None:
    grammar, state, said = SHARED, SHARED.start, b""
    while not grammar.is_over(state):
        allowed = [byte for byte in range(256) if grammar.after(state, bytes([byte]))]
        byte = data.draw(st.sampled_from(allowed))
        said, state = said + bytes([byte]), grammar.after(state, bytes([byte]))
    jsonschema.validate(json.loads(said), VERDICT)
