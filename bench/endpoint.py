"""A served model that thinks for a while: the other end of `runner.py` and `bad_day.py`, in a process of its own.

    python bench/endpoint.py [--latency 0.5] [--reply-bytes 1000] [--faults 0.1 --retry-after 2 --seed 1]

It prints its base URL. It speaks just enough of HTTP to cost little of the core that it runs on. Under a schema it
replies as a judge. `--faults` is the share of requests that meet one of FAULTS, drawn from the seed in the order in
which they come.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

FAULTS = (
    "429 in seconds",
    "429",
    "500",
    "502 in HTML",
    "503 in seconds",
    "529",
    "reset",
    "reset in the body",
    "cut JSON",
    "error with 200",
    "null content",
    "hang",
)
NUMBER = "(number)"
"""Stands for eight digits that are others in each reply: equal responses would be judged once."""
_HTML = b"<html><body>502 Bad Gateway</body></html>"


def _response(status: int, body: bytes, *headers: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status} .",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _completion(text: str | None, size: int) -> bytes:
    """A response of about `size` bytes of body; `text` grows at `#`, and has a place for NUMBER."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 200, "completion_tokens": 150, "total_tokens": 350}
    made = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }
    if text is not None:
        message["content"] = text.replace("#", NUMBER + "x" * max(0, size - len(json.dumps(made))))
    return _response(200, json.dumps(made).encode())


def _error(status: int, *headers: str) -> bytes:
    return _response(
        status, json.dumps({"error": {"message": "scripted", "code": status}}).encode(), *headers
    )


class Model:
    """What is served: replies made once, and faults drawn."""

    def __init__(self, latency: float, size: int, faults: float, retry_after: float, seed: int) -> None:
        self.latency = latency
        self.answer = _completion("#", size)
        scores = {"explanation": "#", "score_first": 7, "score_second": 5}
        self.verdict = _completion(json.dumps(scores), size)
        listed = {"data": [{"id": "m", "object": "model", "root": "m", "max_model_len": 8192}]}
        self.models = _response(200, json.dumps(listed).encode())
        self.asked = 0
        self._faults = faults
        self._retry_after = retry_after
        self._random = random.Random(seed)

    def fault(self) -> str | None:
        """What the next request meets."""
        return self._random.choice(FAULTS) if self._random.random() < self._faults else None

    def reply(self, under_schema: bool) -> bytes:
        """A good one, as no other."""
        self.asked += 1
        made = self.verdict if under_schema else self.answer
        return made.replace(NUMBER.encode(), b"%08d" % self.asked, 1)

    def told(self, fault: str, good: bytes) -> bytes:
        """The bytes of a fault that is told in time."""
        wait = f"retry-after: {self._random.uniform(0, self._retry_after):.2f}"
        return {
            "429 in seconds": _error(429, wait),
            "429": _error(429),
            "500": _error(500),
            "502 in HTML": _response(502, _HTML),
            "503 in seconds": _error(503, wait),
            "529": _error(529),
            "cut JSON": _response(200, good[-500:-20]),
            "error with 200": _response(200, b'{"error": {"message": "overloaded", "code": 503}}'),
            "null content": _completion(None, 0),
        }[fault]


class Connection(asyncio.Protocol):
    """One connection: requests one after another, each answered after the model's latency."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._loop = asyncio.get_running_loop()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[:end]
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._received) < end + 4 + length:
            return
        body, self._received = self._received[end + 4 :], b""
        path = head.split(b" ", 2)[1]
        if path.endswith(b"/chat/completions"):
            self._chat(self._model.reply(b'"response_format"' in body))
        elif path.endswith(b"/models"):
            self._transport.write(self._model.models)
        elif path.endswith(b"/asked"):
            self._transport.write(_response(200, str(self._model.asked).encode()))
        else:
            self._transport.write(_error(404))

    def _chat(self, good: bytes) -> None:
        fault = self._model.fault()
        if fault is None:
            self._later(self._transport.write, good)
        elif fault == "reset":
            self._later(self._transport.abort)
        elif fault == "reset in the body":
            self._later(self._cut, good)
        elif fault != "hang":
            self._later(self._transport.write, self._model.told(fault, good))

    def _cut(self, good: bytes) -> None:
        self._transport.write(good[:-100])
        self._loop.call_later(0.001, self._transport.abort)

    def _later(self, call: Callable[..., object], *given: object) -> None:
        self._loop.call_later(self._model.latency, call, *given)


@contextlib.contextmanager
def served(*options: str) -> Iterator[str]:
    """A server in a process of its own; its base URL."""
    command = [sys.executable, str(Path(__file__)), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def serve(model: Model) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(model), "127.0.0.1", 0, backlog=2048)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--latency", type=float, default=0.5)
    parser.add_argument("--reply-bytes", type=int, default=1000)
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument("--retry-after", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    model = Model(given.latency, given.reply_bytes, given.faults, given.retry_after, given.seed)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(model))


if __name__ == "__main__":
    main()
