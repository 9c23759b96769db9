"""What servers do wrong, by name, with what has to come of it (reference: docs/endpoints.md), and a seeded bad day."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum

from engine.records import ResponseStatus
from tests.servers import openai_server as server
from tests.servers.loopback import Connection, Request
from tests.servers.openai_server import Behaviour

WALL = 1_800_001_000.0
"""What the players' clock of tests says when they begin."""

DAY = 86_400


class Becomes(Enum):
    """One of three."""

    RETRIED = "retried"
    RECORDED = "recorded"
    PAUSES = "pauses"


@dataclass(frozen=True)
class Fault:
    """One way of going wrong.

    Attributes:
        says: words of the reason that is recorded, or told.
        status: what is recorded; of a retried one, when it stays.
        text: the response's text, where it is recorded.
        wait: seconds that the server asks for, at least.
        endless: only a deadline ends it.
    """

    behave: Behaviour
    becomes: Becomes
    says: str = ""
    status: ResponseStatus = ResponseStatus.FAILED
    text: str = ""
    wait: float = 0.0
    endless: bool = False


def retried(behave: Behaviour, says: str, *, wait: float = 0.0, endless: bool = False) -> Fault:
    return Fault(behave, Becomes.RETRIED, says, wait=wait, endless=endless)


def recorded(behave: Behaviour, status: ResponseStatus, text: str = "", says: str = "") -> Fault:
    return Fault(behave, Becomes.RECORDED, says, status, text)


def pauses(behave: Behaviour, says: str) -> Fault:
    return Fault(behave, Becomes.PAUSES, says)


def slow_head() -> Behaviour:
    """The headers, a letter now and then, for ever."""

    async def behave(request: Request, connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nx-slow: ")
        while True:
            await connection.send(b"a")
            await asyncio.sleep(0.01)

    return behave


def reset_after() -> Behaviour:
    """A whole answer, and a reset in place of an orderly end."""

    async def behave(request: Request, connection: Connection) -> None:
        await server.answer()(request, connection)
        await asyncio.sleep(0.02)  # what was sent is there
        connection.reset()

    return behave


def redirect(code: int, to: str) -> Behaviour:
    return server.body(b"", {"location": to}, code)


def _date(wall: float) -> str:
    return formatdate(wall, usegmt=True)


def _after(value: str, **headers: str) -> dict[str, str]:
    return {"retry-after": value} | {name.replace("_", "-"): text for name, text in headers.items()}


def _html(code: int) -> Behaviour:
    return server.body(b"<html>Bad Gateway</html>", {"content-type": "text/html"}, code)


_TEXT = {"content-type": "text/plain"}
_GOOD = json.dumps(server.completion("re: hello", "m")).encode()
_SKEWED = {"retry-after": _date(WALL + DAY + 20), "date": _date(WALL + DAY)}
_HEAD = b"HTTP/1.1 200 OK\r\n"
OK, CUT, REFUSED, EMPTY, FAILED = (
    ResponseStatus.OK,
    ResponseStatus.CUT,
    ResponseStatus.REFUSED,
    ResponseStatus.EMPTY,
    ResponseStatus.FAILED,
)

FAULTS: dict[str, Fault] = {
    # Too busy
    "429": retried(server.status(429), "HTTP 429"),
    "429, Retry-After in seconds": retried(server.status(429, headers=_after("7")), "HTTP 429", wait=7),
    "429, Retry-After as a date": retried(
        server.status(429, headers=_after(_date(WALL + 20))), "HTTP 429", wait=19
    ),
    "429, Retry-After as a date of a clock that is a day off": retried(
        server.status(429, headers=_SKEWED), "HTTP 429", wait=20
    ),
    "429, Retry-After nonsense": retried(server.status(429, headers=_after("soon")), "HTTP 429"),
    "503, Retry-After in seconds": retried(server.status(503, headers=_after("3")), "HTTP 503", wait=3),
    # Broken
    "408": retried(server.status(408), "HTTP 408"),
    "500": retried(server.status(500), "HTTP 500"),
    "502 of a proxy, in HTML": retried(_html(502), "HTTP 502: <html>Bad Gateway</html>"),
    "503": retried(server.status(503), "HTTP 503"),
    "529": retried(server.status(529), "HTTP 529"),
    # Connections
    "reset before the response": retried(server.reset(), "no response"),
    "reset in the headers": retried(server.reset(_HEAD + b"conte"), "no response"),
    "reset in the body": retried(server.reset(_HEAD + b'content-length: 99\r\n\r\n{"choi'), "no response"),
    "closed in the body": retried(server.cut_short(), "no response"),
    "not HTTP": retried(server.reset(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "no response"),
    "bad Content-Length": retried(server.body(b"{}", {"content-length": "x"}), "no response"),
    "bad gzip": retried(server.body(b"no gzip", {"content-encoding": "gzip"}), "no response"),
    # No end
    "hang before the headers": retried(server.hang(), "no answer within", endless=True),
    "hang after the headers": retried(server.hang(after_head=True), "no answer within", endless=True),
    "headers a letter at a time": retried(slow_head(), "no answer within", endless=True),
    "body a byte at a time (slow-loris)": retried(server.trickle(), "no answer within", endless=True),
    "endless body": retried(server.endless(), "larger than 1 MB"),
    "endless body of an error": retried(server.endless(500), "larger than 1 MB"),
    "gzip bomb": retried(server.bomb(40), "larger than 1 MB"),
    # Bodies that are no answer
    "empty body": retried(server.body(b""), "not JSON"),
    "truncated JSON": retried(server.body(_GOOD[:-20]), "not JSON"),
    "HTML of a proxy, with status 200": retried(_html(200), "HTML or XML in place of JSON"),
    "plain text": retried(server.body(b"all is well", _TEXT), "not JSON"),
    "not UTF-8": retried(server.body(b'{"choices": "\xff\xfe"}'), "not UTF-8"),
    "a list": retried(server.body(b"[]"), "no object"),
    "error with status 200": retried(
        server.body(b'{"error": {"message": "overloaded", "code": 503}}'),
        "an error with status 200: 503 overloaded",
    ),
    "no choices": retried(server.body(b'{"model": "m"}'), "no choices"),
    "null choices": retried(server.answer("x", choices=None), "no choices"),
    "empty choices": retried(server.answer("x", choices=[]), "empty choices"),
    "two choices": retried(server.answer("x", choices=[{}, {}]), "2 choices"),
    "missing message": retried(server.answer("x", choices=[{"finish_reason": "stop"}]), "no message"),
    "null content": retried(server.answer(None, message={}), "null content"),
    "content a number": retried(server.answer(None, message={"content": 3}), "content is no text"),
    "content a list": retried(server.answer(None, message={"content": ["x"]}), "content is no text"),
    "reasoning a number": retried(server.answer("x", message={"reasoning": 3}), "reasoning is no text"),
    "model a number": retried(server.answer("x", model=5), "model is no text"),
    "count a text": retried(server.answer("x", usage={"prompt_tokens": "7"}), "no count"),
    "count below nought": retried(server.answer("x", usage={"prompt_tokens": -1}), "no count"),
    "no finish_reason": retried(server.answer("x", finish_reason=None), "no finish_reason"),
    "unknown finish_reason": retried(server.answer("x", finish_reason="whatever"), "'whatever'"),
    "NaN": retried(server.body(b'{"choices": [], "usage": NaN}'), "not a number in JSON"),
    "infinite number": retried(server.body(b'{"choices": [], "usage": 1e999}'), "not a number in JSON"),
    "number of 5,000 digits": retried(
        server.body(b'{"choices": [], "usage": ' + b"9" * 5000 + b"}"), "number too long"
    ),
    "duplicate keys": retried(server.body(b'{"choices": [], "choices": []}'), "duplicate key"),
    "nested 200,000 deep": retried(server.body(b"[" * 200_000), "nested too deeply"),
    # Answers, taken for what they are
    "reset after the body": recorded(reset_after(), OK, "re: hello"),
    "closed after the body, though kept alive": recorded(server.closing(), OK, "re: hello"),
    "good body with a wrong content type": recorded(server.body(_GOOD, _TEXT), OK, "re: hello"),
    "finish_reason length": recorded(
        server.answer("half an ans", finish_reason="length"), CUT, "half an ans"
    ),
    "finish_reason content_filter": recorded(server.answer("", finish_reason="content_filter"), REFUSED),
    "refusal": recorded(server.answer(None, message={"refusal": "I won't"}), REFUSED, "I won't"),
    "finish_reason tool_calls": recorded(
        server.answer(None, message={"tool_calls": []}, finish_reason="tool_calls"),
        FAILED,
        says="the model called a tool",
    ),
    "empty content": recorded(server.answer(""), EMPTY),
    "blank content": recorded(server.answer(" \n"), EMPTY, " \n"),
    "reasoning only": recorded(server.answer(None, message={"reasoning": "hm"}), EMPTY),
    "reasoning only, cut": recorded(
        server.answer(None, message={"reasoning_content": "hm"}, finish_reason="length"), CUT
    ),
    "thinking that is not closed": recorded(server.answer("<think>hm, well"), CUT),
    "the name of another model": recorded(
        server.answer("hi", model="impostor"), FAILED, says="other model: 'impostor'"
    ),
    # Refusals of this request
    "400, context overflow": recorded(
        server.status(400, "maximum context length is 4096 tokens"),
        FAILED,
        says="HTTP 400: 400 maximum context length is 4096 tokens",
    ),
    "413": recorded(server.status(413, "too large"), FAILED, says="HTTP 413: 413 too large"),
    "422": recorded(server.status(422, "bad value"), FAILED, says="HTTP 422: 422 bad value"),
    # Refusals of us
    "401": pauses(server.status(401, "bad key"), "HTTP 401: 401 bad key"),
    "402": pauses(server.status(402, "pay first"), "HTTP 402: 402 pay first"),
    "403": pauses(server.status(403, "not yours"), "HTTP 403: 403 not yours"),
    "404": pauses(server.status(404, "no such model"), "HTTP 404: 404 no such model"),
    "429, quota used up": pauses(server.status(429, "insufficient_quota"), "insufficient_quota"),
    "redirect to another host": pauses(
        redirect(307, "http://elsewhere.invalid/v1"), "redirects are not followed"
    ),
    "redirect loop": pauses(redirect(301, "/v1/chat/completions"), "redirects are not followed"),
}


class BadDay:
    """Faults for a share of the requests, drawn from a seed by what is asked and how often it was asked before.

    So the same request meets the same faults, in whatever order requests come.

    Args:
        longest_wait: Retry-After is between 0 and so many seconds.
        told: called with a request's text and the wait that is asked for.

    Attributes:
        met: what was done, by name.
        stuck: requests that are being handled now and will never be answered.
    """

    def __init__(
        self,
        seed: int,
        share: float,
        longest_wait: float = 2.0,
        told: Callable[[str, float], None] = lambda text, wait: None,
    ) -> None:
        self.met: Counter[str] = Counter()
        self.stuck = 0
        self._seed = seed
        self._share = share
        self._longest_wait = longest_wait
        self._told = told
        self._asked: Counter[str] = Counter()
        self._passing = sorted(
            name for name, fault in FAULTS.items() if fault.becomes is Becomes.RETRIED and not fault.wait
        )

    def __call__(self, request: Request) -> Behaviour | None:
        """What a request meets; None for a good answer."""
        text = request.json["messages"][-1]["content"]
        draw = random.Random(f"{self._seed}/{text}/{self._asked[text]}")
        self._asked[text] += 1
        if draw.random() >= self._share:
            return None
        if draw.random() < 0.4:
            return self._busy(text, draw)
        name = draw.choice(self._passing)
        self.met[name] += 1
        fault = FAULTS[name]
        return self._counted(fault.behave) if fault.endless else fault.behave

    def _counted(self, behave: Behaviour) -> Behaviour:
        async def behave_and_count(request: Request, connection: Connection) -> None:
            self.stuck += 1
            try:
                await behave(request, connection)
            finally:
                self.stuck -= 1

        return behave_and_count

    def _busy(self, text: str, draw: random.Random) -> Behaviour:
        wait = round(draw.uniform(0, self._longest_wait), 2)
        code = draw.choice((429, 503, 529))
        self.met[f"{code} with Retry-After"] += 1
        self._told(text, wait)
        return server.status(code, headers=_after(f"{wait:.2f}"))
