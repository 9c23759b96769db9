"""What tells one served checkpoint from another behind the same name."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from engine.errors import UsageError
from engine.keys import player_key
from engine.players.base import ModelIdentity
from tests.engine.players.asking import opened, player
from tests.servers.fake_clock import FakeClock
from tests.servers.loopback import LoopbackServer
from tests.servers.openai_server import Served

VLLM = {"id": "m", "object": "model", "owned_by": "vllm", "root": "/models/m-7b", "max_model_len": 8192}


def identity(clock: FakeClock, *served: Served, **plan: Any) -> ModelIdentity:
    async def run() -> ModelIdentity:
        async with opened(player(clock, *served, plan=plan)) as asked:
            return asked.identity()

    return asyncio.run(run())


def key(clock: FakeClock, served: Served, **plan: Any) -> str:
    told = identity(clock, served, **plan)
    return player_key(told.facts, told.template_hash, None)


def test_the_identity_is_what_the_server_told_and_no_address(
    loopback: LoopbackServer, clock: FakeClock
) -> None:
    told = identity(clock, Served(loopback, listed=[VLLM], tokens=[1, 2, 3]))
    assert told.kind == "endpoint"
    assert told.template_hash is None
    fingerprint = told.facts["fingerprint"]
    assert (fingerprint["id"], fingerprint["root"], fingerprint["max_model_len"]) == (
        "m",
        "/models/m-7b",
        8192,
    )
    assert "127.0.0.1" not in json.dumps(told.facts)


def test_the_same_model_behind_two_addresses_has_one_key(loopback: LoopbackServer, clock: FakeClock) -> None:
    one, two = (Served(loopback, listed=[VLLM], tokens=[1, 2, 3]) for _ in range(2))
    assert key(clock, one) == key(clock, two)


def test_whatever_is_told_differently_makes_another_key(loopback: LoopbackServer, clock: FakeClock) -> None:
    variants: list[dict[str, Any]] = [
        {"listed": [VLLM], "tokens": [1, 2, 3]},
        {"listed": [VLLM | {"root": "/models/m-7b-v2"}], "tokens": [1, 2, 3]},
        {"listed": [VLLM | {"max_model_len": 4096}], "tokens": [1, 2, 3]},
        {"listed": [VLLM], "tokens": [1, 2, 4]},
        {"listed": [VLLM], "tokens": None},
    ]
    keys = {key(clock, Served(loopback, **variant)) for variant in variants}
    keys.add(key(clock, Served(loopback, **variants[0]), revision="2026-11-24"))
    assert len(keys) == len(variants) + 1


def test_other_models_of_the_server_are_no_part_of_it(loopback: LoopbackServer, clock: FakeClock) -> None:
    alone = Served(loopback, listed=[VLLM], tokens=[1])
    among = Served(loopback, listed=[VLLM | {"id": "other"}, VLLM], tokens=[1])
    assert key(clock, alone) == key(clock, among)


def test_the_conversation_that_is_tokenized_is_sent_beside_v1(
    loopback: LoopbackServer, clock: FakeClock
) -> None:
    served = Served(loopback, tokens=[5])
    identity(clock, served)
    assert served.asked["/tokenize"] == 1


@pytest.mark.parametrize(
    "listed",
    [
        [],
        [{"id": "m"}],
        [{"id": "m", "root": 5, "max_model_len": "long"}],
        [{"id": "m", "max_model_len": True}],
        ["m", None],
    ],
)
def test_a_server_that_tells_nothing_needs_a_revision(
    loopback: LoopbackServer, clock: FakeClock, listed: list[Any]
) -> None:
    served = Served(loopback, listed=listed)
    with pytest.raises(UsageError) as raised:
        identity(clock, served)
    assert "revision" in str(raised.value)
    assert identity(clock, served, revision="r5").facts == {
        "model": "m",
        "revision": "r5",
        "fingerprint": None,
    }


def test_a_server_without_v1_models_is_known_by_its_tokens(
    loopback: LoopbackServer, clock: FakeClock
) -> None:
    served = Served(loopback, tokens=[1, 2])
    served.listed = None
    assert identity(clock, served).facts["fingerprint"].keys() == {"tokens"}


def test_a_name_that_is_not_served_is_said_with_the_nearest(
    loopback: LoopbackServer, clock: FakeClock
) -> None:
    served = Served(loopback, listed=[{"id": "llama-3-8b"}, {"id": "qwen-7b"}])
    with pytest.raises(UsageError) as raised:
        identity(clock, served, model="lama-3-8b")
    assert "does not list a model 'lama-3-8b'" in raised.value.title
    assert "llama-3-8b, qwen-7b" in raised.value.text
    assert "llama-3-8b" in raised.value.mend
