"""A real HTTP/1.1 server on 127.0.0.1, in a thread, that lets a handler decide about every byte.

Handlers are mounted under a path of their own, so that one server stands for many.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Request:
    """A request as it came in. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """What a handler writes to. `over` says that no further request is read from it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.over = False

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def respond(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """A whole response."""
        given = {"content-type": "application/json", "content-length": str(len(body))}
        await self.head(status, given | dict(headers or {}))
        await self.send(body)

    def close(self) -> None:
        """End the connection in order."""
        self.over = True

    def reset(self) -> None:
        """End it with a TCP reset, as a killed process or a proxy does."""
        self.over = True
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Handler = Callable[[Request, Connection], Awaitable[None]]


class LoopbackServer:
    """Start it once for a whole test run; mount handlers as tests need them.

    Attributes:
        errors: what handlers raised: mistakes of the tests, to be checked at the end.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._handlers: dict[str, Handler] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="loopback", daemon=True)
        self._started = threading.Event()
        self.port = 0
        self.errors: list[Exception] = []

    def mount(self, handler: Handler) -> str:
        """A new root URL, such as http://127.0.0.1:4000/7, whose requests go to the handler."""
        prefix = str(len(self._handlers))
        self._handlers[prefix] = handler
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}/{prefix}"

    def serve_as_proxy(self, handler: Handler, host: str) -> None:
        """What comes for another host (`GET http://...`, or a tunnel to it) goes to this handler."""
        self._handlers["http:"] = self._handlers[f"{host}:443"] = handler

    def call(self, function: Callable[[], object]) -> None:
        """Run something in the server's thread."""
        self._loop.call_soon_threadsafe(function)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls, backlog=1024)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer)
        try:
            while not connection.over and (request := await _read(reader)) is not None:
                prefix, _, path = request.path.lstrip("/").partition("/")
                inner = Request(request.method, f"/{path}", request.headers, request.body)
                handler = self._handlers.get(prefix, _nothing_here)
                await self._until_gone(handler(inner, connection), reader)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the server is being stopped: the right of either
        except Exception as error:  # noqa: BLE001 - a handler's own mistake, for the fixture to raise
            self.errors.append(error)
        finally:
            writer.close()

    async def _until_gone(self, handling: Awaitable[None], reader: asyncio.StreamReader) -> None:
        """Handle a request, but no longer than the client is there to hear of it."""
        task = asyncio.ensure_future(handling)
        while not (await asyncio.wait({task}, timeout=0.02))[0]:
            if reader.at_eof():
                task.cancel()
        if not task.cancelled():
            task.result()


async def _nothing_here(request: Request, connection: Connection) -> None:
    await connection.respond(404, b'{"detail": "Not Found"}')


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None when the client closed it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)
