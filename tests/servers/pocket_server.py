"""Any local checkpoint behind the OpenAI chat protocol: a real model that really generates, without a GPU.

    with PocketServer(folder, name="pocket-judge") as server:
        server.url            # http://127.0.0.1:PORT/0/v1

or `python -m tests.servers.pocket_server FOLDER`, which prints the URL and serves until it is ended. Requests that
wait are generated together; a request's seed decides its answer whatever it is generated with.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from tests.servers.grammar import Grammar, State
from tests.servers.loopback import Connection, LoopbackServer, Request

AT_A_TIME = 64
Schemas = Literal["hold", "refuse", "ignore"]


@dataclass(frozen=True)
class Job:
    """A chat request as it is generated."""

    ids: list[int]
    max_tokens: int
    temperature: float
    seed: int
    schema: Mapping[str, Any] | None


@dataclass(frozen=True)
class Said:
    text: str
    tokens: int
    finish_reason: str


class PocketServer:
    """Serves one checkpoint.

    Args:
        schemas: what happens to response_format: the reply is held to it by a grammar, the request is refused
            with 400, or it is ignored.
    """

    def __init__(self, folder: Path, name: str = "pocket", schemas: Schemas = "hold") -> None:
        self.name = name
        self.served = 0
        self._schemas = schemas
        self._model = _Model(folder)
        self._server = LoopbackServer()
        self._generating = ThreadPoolExecutor(1)
        self._waiting: list[tuple[Job, asyncio.Future[Said]]] = []
        self._busy = False

    def __enter__(self) -> Self:
        self._server.__enter__()
        self.url = f"{self._server.mount(self._handle)}/v1"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)
        self._generating.shutdown()
        if self._server.errors and error is None:
            raise self._server.errors[0]

    async def _handle(self, request: Request, connection: Connection) -> None:
        if request.path == "/v1/models":
            entry = {"id": self.name, "root": self.name, "max_model_len": self._model.context}
            await connection.respond(200, json.dumps({"object": "list", "data": [entry]}).encode())
        elif request.path == "/tokenize":
            ids = self._model.ids(request.json["messages"])
            await connection.respond(200, json.dumps({"count": len(ids), "tokens": ids}).encode())
        elif request.path == "/v1/chat/completions":
            await self._chat(request, connection)
        else:
            await connection.respond(404, b'{"detail": "Not Found"}')

    async def _chat(self, request: Request, connection: Connection) -> None:
        asked = request.json
        ids = self._model.ids(asked["messages"])
        problem = self._problem(asked, ids)
        if problem is not None:
            await connection.respond(400, json.dumps({"error": {"message": problem}}).encode())
            return
        said = await self._say(self._job(asked, ids))
        self.served += 1
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": said.text},
            "finish_reason": said.finish_reason,
        }
        body = {
            "id": f"chatcmpl-{self.served}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": self.name,
            "choices": [choice],
            "usage": {"prompt_tokens": len(ids), "completion_tokens": said.tokens},
        }
        await connection.respond(200, json.dumps(body).encode())

    def _problem(self, asked: Mapping[str, Any], ids: Sequence[int]) -> str | None:
        if asked["model"] != self.name:
            return f"the model {asked['model']} does not exist"
        if len(ids) >= self._model.context:
            return f"maximum context length is {self._model.context} tokens, the prompt has {len(ids)}"
        if asked.get("response_format") is not None and self._schemas == "refuse":
            return "response_format is not supported"
        return None

    def _job(self, asked: Mapping[str, Any], ids: list[int]) -> Job:
        shape = asked.get("response_format") if self._schemas == "hold" else None
        room = self._model.context - len(ids)
        return Job(
            ids,
            max_tokens=min(asked.get("max_tokens") or room, room),
            temperature=float(asked.get("temperature", 1.0)),
            seed=int(asked.get("seed", time.time_ns())) & 0xFFFFFFFF,
            schema=None if shape is None else shape["json_schema"]["schema"],
        )

    async def _say(self, job: Job) -> Said:
        future: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().create_task(self._generate())
        return await future

    async def _generate(self) -> None:
        """Generate whatever waits, together, until nothing does."""
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:AT_A_TIME], self._waiting[AT_A_TIME:]
            jobs = [job for job, _ in batch]
            try:
                said = await loop.run_in_executor(self._generating, self._model.generate, jobs)
            except Exception as error:  # noqa: BLE001  told to whoever waits for it
                for _, future in batch:
                    future.set_exception(error)
                continue
            for (_, future), one in zip(batch, said, strict=True):
                if not future.done():
                    future.set_result(one)
        self._busy = False


class _Model:
    """The checkpoint, generating through the library's own `generate`."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(1)
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._bytes = _token_bytes(self._tokenizer)
        self._grammars: dict[str, Grammar] = {}
        self.context = int(self._model.config.max_position_embeddings)

    def ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        given = self._tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=True
        )
        return list(self._tokenizer(given, add_special_tokens=False)["input_ids"])

    def generate(self, jobs: Sequence[Job]) -> list[Said]:
        import torch

        torch.set_num_threads(1)
        padded = self._tokenizer.pad(
            {"input_ids": [job.ids for job in jobs]}, return_tensors="pt", padding_side="left"
        )
        length = padded["input_ids"].shape[1]
        voice = _Voice(jobs, length, [self._grammar(job.schema) for job in jobs], self._bytes, self._end)
        with torch.inference_mode():
            out = self._model.generate(
                **padded,
                do_sample=False,
                max_new_tokens=max(j.max_tokens for j in jobs),
                logits_processor=[voice],
            )
        return [self._said(row[length:].tolist(), job) for row, job in zip(out, jobs, strict=True)]

    @property
    def _end(self) -> int:
        return int(self._tokenizer.eos_token_id)

    def _grammar(self, schema: Mapping[str, Any] | None) -> Grammar | None:
        if schema is None:
            return None
        key = json.dumps(schema)
        return self._grammars.setdefault(key, Grammar(schema))

    def _said(self, ids: list[int], job: Job) -> Said:
        ids = ids[: job.max_tokens]
        over = self._end in ids
        if over:
            ids = ids[: ids.index(self._end) + 1]
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        return Said(text, len(ids), "stop" if over else "length")


class _Voice:
    """A logits processor: each row is sampled by adding Gumbel noise of its own seed and taking the largest (a
    greedy `generate` then does the sampling), and held to its grammar where it has one."""

    def __init__(
        self,
        jobs: Sequence[Job],
        length: int,
        grammars: Sequence[Grammar | None],
        token_bytes: Sequence[bytes | None],
        end: int,
    ) -> None:
        self._jobs = jobs
        self._length = length
        self._grammars = grammars
        self._bytes = token_bytes
        self._end = end
        self._states: list[State | None] = [g.start if g else None for g in grammars]
        self._masks: dict[tuple[int, State], Any] = {}

    def __call__(self, ids: Any, scores: Any) -> Any:
        import torch

        step = ids.shape[1] - self._length
        for row, job in enumerate(self._jobs):
            if job.temperature > 0:
                noise = torch.Generator().manual_seed((job.seed << 20) + step)
                uniform = torch.rand(scores.shape[1], generator=noise).clamp_min(1e-20)
                scores[row] = scores[row] / job.temperature - (-uniform.log()).log()
            grammar = self._grammars[row]
            if grammar is not None:
                if step:
                    self._advance(row, grammar, int(ids[row, -1]))
                scores[row, ~self._allowed(row, grammar)] = -torch.inf
        return scores

    def _advance(self, row: int, grammar: Grammar, token: int) -> None:
        state = self._states[row]
        if state is not None and not grammar.is_over(state):
            self._states[row] = grammar.after(state, self._bytes[token] or b"")

    def _allowed(self, row: int, grammar: Grammar) -> Any:
        import torch

        state = self._states[row]
        assert state is not None
        key = (id(grammar), state)
        if key not in self._masks:
            over = grammar.is_over(state)
            allowed = [
                token == self._end if over else bool(data) and bool(grammar.after(state, data))
                for token, data in enumerate(self._bytes)
            ]
            self._masks[key] = torch.tensor(allowed)
        return self._masks[key]


def _token_bytes(tokenizer: Any) -> list[bytes | None]:
    """The bytes of each token of a byte-level vocabulary; None for special ones."""
    from engine.pocket.tokenizer import byte_symbols

    byte_of = {symbol: byte for byte, symbol in enumerate(byte_symbols())}
    special = set(tokenizer.all_special_tokens)
    found: list[bytes | None] = [None] * len(tokenizer)
    for token, number in tokenizer.get_vocab().items():
        if token not in special and all(symbol in byte_of for symbol in token):
            found[number] = bytes(byte_of[symbol] for symbol in token)
    return found


def main(folder: str) -> None:
    with PocketServer(Path(folder)) as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main(sys.argv[1])
