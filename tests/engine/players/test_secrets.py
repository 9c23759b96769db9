"""The API key: sent to the server, and nowhere else to be found."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EndpointError, UsageError
from engine.players.http import HttpPlayer
from engine.players.redact import ApiKey, read_key, scrub
from engine.records import ResponseStatus
from tests.engine.players.asking import ask, ask_one, opened, player, request
from tests.servers import openai_server as server
from tests.servers.fake_clock import FakeClock
from tests.servers.loopback import Connection, LoopbackServer, Request
from tests.servers.openai_server import Served

CANARY = "sk-canary-5f2b9c/7d+41"
PLAN = {"api_key_env": "TEST_ARENA_KEY"}


@pytest.fixture
def served(loopback: LoopbackServer) -> Served:
    return Served(loopback)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ARENA_KEY", CANARY)


def test_the_key_of_the_named_variable_is_sent(served: Served, clock: FakeClock) -> None:
    ask_one(player(clock, served, plan=PLAN))
    assert served.chats[0].headers["authorization"] == f"Bearer {CANARY}"


def test_without_a_variable_a_dummy_is_sent_whatever_the_environment_holds(
    served: Served, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-canary")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-canary")
    ask_one(player(clock, served))
    sent = served.chats[0].headers
    assert sent["authorization"] == "Bearer none"
    assert "canary" not in repr(sent)


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(
    served: Served, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("TEST_ARENA_KEY")
    if value is not None:
        monkeypatch.setenv("TEST_ARENA_KEY", value)
    with pytest.raises(UsageError, match="TEST_ARENA_KEY is not set"):
        ask_one(player(clock, served, plan=PLAN))
    assert served.asked == {}


@pytest.mark.parametrize("value", [CANARY + "\n", " " + CANARY, "clé-" + CANARY, CANARY + "\x7f"])
def test_what_no_header_can_carry_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TEST_ARENA_KEY", value)
    with pytest.raises(UsageError) as raised:
        read_key("TEST_ARENA_KEY", "p")
    assert "TEST_ARENA_KEY" in str(raised.value)
    assert CANARY not in str(raised.value)


def spill(code: int) -> server.Behaviour:
    """An error body that repeats the headers it got, as debugging servers do."""

    async def behave(seen: Request, connection: Connection) -> None:
        await server.status(code, f"bad: {dict(seen.headers)}")(seen, connection)

    return behave


ESCAPED = [
    CANARY.replace("/", "\\/"),  # as PHP writes it
    "".join(f"\\u{ord(letter):04x}" for letter in CANARY),
    CANARY.replace("c", "\\u0063"),
]


@pytest.mark.parametrize("spelled", ESCAPED)
@pytest.mark.parametrize("where", ["answer", "error"])
def test_an_answer_that_spells_the_key_in_escapes_is_none(
    served: Served, clock: FakeClock, spelled: str, where: str
) -> None:
    made = server.completion("KEY", "m") if where == "answer" else {"error": {"message": "bad header KEY"}}
    served.script(*[server.body(json.dumps(made).replace("KEY", spelled).encode())] * 9)
    reply = ask_one(player(clock, served, plan=PLAN))
    assert reply.status is ResponseStatus.FAILED
    assert CANARY not in repr(reply)


@pytest.mark.parametrize("before", range(150, 420, 7))
@pytest.mark.parametrize("form", ["json", "page"])
def test_no_part_of_a_key_is_left_where_an_error_is_cut(
    served: Served, clock: FakeClock, before: int, form: str
) -> None:
    said = f"{'x' * before} {CANARY} and more"
    body = json.dumps({"error": {"message": said}}) if form == "json" else f"<p>{said}</p>"
    served.script(server.body(body.encode(), status=400))
    reply = ask_one(player(clock, served, plan=PLAN))
    assert reply.error is not None
    assert CANARY[:4] not in reply.error


@pytest.mark.parametrize("code", [400, 500])
def test_an_error_that_repeats_the_key_is_recorded_without_it(
    served: Served, clock: FakeClock, code: int
) -> None:
    served.script(spill(code))
    reply = ask_one(player(clock, served, plan=PLAN, attempts=1))
    assert CANARY not in (reply.error or "")
    assert "Bearer [hidden]" in (reply.error or "")


def test_an_answer_that_repeats_the_key_is_no_answer(served: Served, clock: FakeClock) -> None:
    async def leak(seen: Request, connection: Connection) -> None:
        await server.answer(seen.headers["authorization"])(seen, connection)

    served.script(leak)
    reply = ask_one(player(clock, served, plan=PLAN))
    assert (reply.status, reply.text) == (ResponseStatus.FAILED, "")
    assert reply.error == "the body repeats the API key"


def test_no_log_exception_or_attribute_shows_the_key(
    served: Served, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    served.choose = lambda _: spill(401) if len(served.chats) > 1 else None
    asked = player(clock, served, plan=PLAN, start=1, concurrency=1, patience_s=1)
    with pytest.raises(EndpointError) as raised:
        ask(asked, request("a"), request("b"))
    told = "".join(traceback.format_exception(raised.value))
    shown = [told, str(raised.value), repr(asked), *asked.notes, caplog.text, *_attributes(asked)]
    assert not any(CANARY in text for text in shown)


def _attributes(asked: HttpPlayer) -> list[str]:
    return [f"{value!r} {value}" for value in vars(asked).values()]


def test_an_open_player_shows_no_key(served: Served, clock: FakeClock) -> None:
    async def run() -> list[str]:
        async with opened(player(clock, served, plan=PLAN)) as asked:
            servers = asked._servers
            return [*_attributes(asked), *(repr(value) for value in vars(servers).values())]

    assert not any(CANARY in text for text in asyncio.run(run()))


def test_a_key_prints_as_hidden_and_travels_nowhere() -> None:
    secret = ApiKey(CANARY)
    assert [str(secret), repr(secret), f"{secret}"] == ["[hidden]"] * 3
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            way(secret)
    assert secret.reveal() == CANARY


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_scrubbing_leaves_everything_else(before: str, after: str) -> None:
    assert scrub(f"{before}{CANARY}{after}", [CANARY]) == f"{before}[hidden]{after}"
    assert scrub(before + after, [CANARY, ""]) == before + after


def test_scrubbing_knows_the_key_as_an_url_spells_it() -> None:
    assert scrub("?key=sk-canary-5f2b9c%2F7d%2B41", [CANARY]) == "?key=[hidden]"


@pytest.mark.parametrize(
    "url",
    [
        f"http://user:{CANARY}@127.0.0.1/v1",
        f"http://{CANARY}@127.0.0.1/v1",
        f"http://127.0.0.1/v1?key={CANARY}",
        f"http://127.0.0.1/v1#{CANARY}",
        f"ftp://127.0.0.1/{CANARY}",
        f"http://[{CANARY}/v1",
        f"127.0.0.1/{CANARY}",
    ],
)
def test_an_url_with_a_secret_in_it_is_refused_and_not_shown(clock: FakeClock, url: str) -> None:
    with pytest.raises(UsageError) as raised:
        player(clock, plan={"endpoints": (url,)})
    assert CANARY not in str(raised.value)
