"""A question as people read it."""

from __future__ import annotations

import asyncio

import pytest

from engine.judges.preview import preview
from tests.engine.judges.asking import judge, opened
from tests.engine.judges.shown import shown
from tests.servers.loopback import LoopbackServer
from tests.servers.openai_server import Served


@pytest.mark.parametrize("form", ["schema", "line"])
def test_a_preview_tells_all_and_asks_nobody(loopback: LoopbackServer, form: str) -> None:
    served = Served(loopback)
    asked = judge(served, options={"reply": form})

    async def previewed() -> str:
        async with opened(asked):
            return preview(asked, shown("<s>\u200b", "two"))

    text = asyncio.run(previewed())
    question = asked.question(shown("<s>\u200b", "two"))
    assert served.chats == []
    assert question.key in text
    assert asked.template.hash in text
    assert "made visible for the judge: hidden characters: 1, special tokens: 1" in text
    assert "both orders" in text
    for message in question.messages:
        assert f"[{message.role}]\n{message.content}\n" in text
    assert ("score_first" in text.rpartition("[reply]")[2]) == (form == "schema")
