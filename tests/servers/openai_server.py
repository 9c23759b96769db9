"""The OpenAI chat protocol with scripted faults: each request is met by a `Behaviour`.

served = Served(loopback, model="m", root="m-7", max_model_len=4096)
served.script(status(503), body(b"{"), answer("fine"))     # then answers again
"""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.servers.loopback import Connection, LoopbackServer, Request

Behaviour = Callable[[Request, Connection], Awaitable[None]]
Chooser = Callable[[Request], Behaviour | None]


@dataclass
class Served:
    """One served model with its own address, script and log.

    Attributes:
        listed: entries of /v1/models; None makes it 404.
        tokens: what /tokenize gives; None makes it 404.
        choose: decides by chat request, before the script; None leaves it to the script.
        gate: decides by request of any path, before all else; None lets it pass.
        on_chat: called in the server's thread when a chat request has come in.
        chats: the chat requests so far.
        peak: most chat requests that were handled at a time.
    """

    server: LoopbackServer
    model: str = "m"
    listed: list[dict[str, Any]] | None = None
    tokens: list[int] | None = None
    choose: Chooser | None = None
    gate: Chooser | None = None
    on_chat: Callable[[Request], None] | None = None
    chats: list[Request] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    peak: int = 0
    _now: int = 0
    _script: deque[Behaviour] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.root = self.server.mount(self._handle)
        if self.listed is None:
            self.listed = [{"id": self.model, "object": "model", "root": "weights", "max_model_len": 4096}]

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def script(self, *behaviours: Behaviour) -> None:
        """What the next chat requests meet, in order; after them all is well."""
        self._script.extend(behaviours)

    async def _handle(self, request: Request, connection: Connection) -> None:
        self.asked[request.path] += 1
        barred = self.gate(request) if self.gate is not None else None
        if barred is not None:
            await barred(request, connection)
        elif request.path == "/v1/chat/completions":
            await self._chat(request, connection)
        elif request.path == "/v1/models" and self.listed is not None:
            await connection.respond(200, json.dumps({"object": "list", "data": self.listed}).encode())
        elif request.path == "/tokenize" and self.tokens is not None:
            await connection.respond(
                200, json.dumps({"count": len(self.tokens), "tokens": self.tokens}).encode()
            )
        else:
            await connection.respond(404, b'{"detail": "Not Found"}')

    async def _chat(self, request: Request, connection: Connection) -> None:
        self.chats.append(request)
        self.times.append(time.monotonic())
        if self.on_chat is not None:
            self.on_chat(request)
        self._now += 1
        self.peak = max(self.peak, self._now)
        try:
            await self._behaviour(request)(request, connection)
        finally:
            self._now -= 1

    def _behaviour(self, request: Request) -> Behaviour:
        chosen = self.choose(request) if self.choose is not None else None
        if chosen is not None:
            return chosen
        return self._script.popleft() if self._script else answer()


# Answers


def completion(text: str | None, asked_model: str, /, **changes: Any) -> dict[str, Any]:
    """A chat completion; `changes` replace `finish_reason`, `message` fields (as dict) or top-level fields."""
    message = {"role": "assistant", "content": text} | changes.pop("message", {})
    finish_reason = changes.pop("finish_reason", "stop")
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked_model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    } | changes


def echo(request: Request) -> str:
    """What a well-behaved server answers: a function of what it was asked."""
    return f"re: {request.json['messages'][-1]['content']}"


def answer(text: str | None = None, **changes: Any) -> Behaviour:
    """A good answer, or one with `changes`; see `completion`. Without text it is `echo`."""

    async def behave(request: Request, connection: Connection) -> None:
        said = echo(request) if text is None and "message" not in changes else text
        made = completion(said, request.json["model"], **json.loads(json.dumps(changes)))
        await connection.respond(200, json.dumps(made).encode())

    return behave


def body(data: bytes, headers: Mapping[str, str] | None = None, status: int = 200) -> Behaviour:
    """Any bytes as the body."""

    async def behave(request: Request, connection: Connection) -> None:
        await connection.respond(status, data, headers)

    return behave


def status(code: int, message: str = "no", headers: Mapping[str, str] | None = None) -> Behaviour:
    """An error as OpenAI words it."""
    return body(json.dumps({"error": {"message": message, "code": code}}).encode(), headers, code)


# Faults


def hang(after_head: bool = False) -> Behaviour:
    """Never answer, or stop after the headers."""

    async def behave(request: Request, connection: Connection) -> None:
        if after_head:
            await connection.head(200, {"content-type": "application/json", "content-length": "1000"})
        await asyncio.Event().wait()

    return behave


def reset(sent: bytes = b"") -> Behaviour:
    """Reset the connection before anything, or after some bytes of a response."""

    async def behave(request: Request, connection: Connection) -> None:
        if sent:
            await connection.send(sent)
        connection.reset()

    return behave


def cut_short() -> Behaviour:
    """Promise more bytes than come."""

    async def behave(request: Request, connection: Connection) -> None:
        data = json.dumps(completion("whole", request.json["model"])).encode()
        await connection.head(
            200, {"content-type": "application/json", "content-length": str(len(data) + 50)}
        )
        await connection.send(data)
        connection.close()

    return behave


def trickle() -> Behaviour:
    """A byte now and then, for ever: white space, so that a reader of JSON keeps hoping."""

    async def behave(request: Request, connection: Connection) -> None:
        await connection.head(200, {"content-type": "application/json", "content-length": "1000000"})
        while True:
            await connection.send(b" ")
            await asyncio.sleep(0.01)

    return behave


def endless(code: int = 200) -> Behaviour:
    """A body without end, as fast as it is taken."""

    async def behave(request: Request, connection: Connection) -> None:
        await connection.head(code, {"content-type": "application/json", "transfer-encoding": "chunked"})
        piece = b'{"a": ' + b" " * 65536
        while True:
            await connection.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    return behave


def bomb(megabytes: int) -> Behaviour:
    """A gzip body that swells to so many megabytes."""
    packer = zlib.compressobj(wbits=31)
    packed = b"".join(packer.compress(b" " * 1_000_000) for _ in range(megabytes)) + packer.flush()
    return body(packed, {"content-encoding": "gzip"})


def closing() -> Behaviour:
    """A good answer, after which a connection said to be kept alive is closed."""

    async def behave(request: Request, connection: Connection) -> None:
        await answer()(request, connection)
        connection.close()

    return behave


def together(number: int) -> Behaviour:
    """Answer nobody until so many are asking; use one value for all of them."""
    waiting: list[asyncio.Future[None]] = []

    async def behave(request: Request, connection: Connection) -> None:
        mine = asyncio.get_running_loop().create_future()
        waiting.append(mine)
        if len(waiting) >= number:
            for other in waiting:
                other.set_result(None)
            waiting.clear()
        await mine
        await answer()(request, connection)

    return behave
