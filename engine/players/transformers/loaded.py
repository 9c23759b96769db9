"""A checkpoint in memory: its tokenizer, its weights, and the answers to a batch. Importing this imports torch."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from engine.errors import UsageError
from engine.players.base import ChatReply, ChatRequest
from engine.players.transformers.batching import Row
from engine.players.transformers.checkpoint import stated_defaults, stated_temperature
from engine.players.transformers.decoding import Batch, Said
from engine.players.transformers.loading import load_model, load_tokenizer
from engine.records import ResponseStatus, Sampling

TINY_PARAMETERS = 10_000_000
"""Below this a step costs more in Python than in arithmetic: large batches, and one thread."""


_LOADING = threading.Lock()
"""`from_pretrained` changes state of the whole process while it loads: two at a time leave a model without weights."""


class Loaded:
    """A checkpoint in memory.

    Attributes:
        batch_size: rows at a time, as the options say or as suits the model's size.
        notes: what the library had to say of it.
    """

    def __init__(
        self, folder: Path, *, dtype: str, device: str, batch_size: int | None, num_threads: int | None
    ) -> None:
        self._device = _device(device)
        with _LOADING:
            self._tokenizer, notes = load_tokenizer(folder)
            self._model, further = load_model(folder, dtype, self._device)
        self.notes = list(dict.fromkeys(notes + further))
        tiny = sum(p.numel() for p in self._model.parameters()) < TINY_PARAMETERS
        self.batch_size = batch_size or (256 if tiny else 64)
        self._num_threads = num_threads or (1 if tiny else torch.get_num_threads())
        self._defaults = stated_defaults(folder)
        self._ends = _end_ids(self._tokenizer, self._defaults, self._model.config)
        self._context = _context(self._tokenizer, self._model.config)

    def prepare_all(self, requests: Iterable[ChatRequest]) -> list[Row | ChatReply]:
        return [self.prepare(request) for request in requests]

    def prepare(self, request: ChatRequest) -> Row | ChatReply:
        """A request as tokens; a failed reply where it cannot be one."""
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        try:
            text = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        except Exception as error:  # noqa: BLE001 - a template is a program of its own, and may raise anything
            return _unasked(request, f"the chat template refuses the conversation: {error}")
        # A lone surrogate has no bytes and so no tokens: it becomes U+FFFD.
        readable = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        ids = self._tokenizer(readable, add_special_tokens=False)["input_ids"]
        if self._context is not None and len(ids) >= self._context:
            return _unasked(request, f"a prompt of {len(ids)} tokens leaves no room in {self._context}")
        if not ids:
            return _unasked(request, "the chat template renders the conversation as nothing")
        limit = self._limit(request.sampling, len(ids))
        if limit is None:
            return _unasked(
                request, "neither the plan nor the model limits the tokens: set sampling.max_tokens"
            )
        return self._row(request, ids, limit)

    def _row(self, request: ChatRequest, ids: Sequence[int], limit: int) -> Row:
        sampling, stated = request.sampling, self._defaults
        temperature = stated_temperature(stated) if sampling.temperature is None else sampling.temperature
        return Row(
            request=request,
            ids=ids,
            limit=limit,
            temperature=1.0 if temperature is None else float(temperature),
            top_k=(stated.get("top_k") if sampling.top_k is None else sampling.top_k) or None,
            top_p=stated.get("top_p") if sampling.top_p is None else sampling.top_p,
            seed=secrets.randbits(32) if request.seed is None else request.seed,
            stop=sampling.stop,
        )

    def _limit(self, sampling: Sampling, length: int) -> int | None:
        asked = sampling.max_tokens or self._defaults.get("max_new_tokens")
        left = None if self._context is None else self._context - length
        limits = [limit for limit in (asked, left) if limit is not None]
        return min(limits) if limits else None

    def text(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))

    def generate(self, rows: Sequence[Row], stopped: threading.Event) -> list[Said]:
        """Answer one batch. Runs in a thread; ends early, with what there is, once `stopped` is set."""
        # OpenMP keeps its number of threads for each thread that starts work, so it is set where the work is.
        if self._device.type == "cpu":
            torch.set_num_threads(self._num_threads)
        pad = self._tokenizer.pad_token_id
        batch = Batch(rows, self._ends, self._ends_with_stop, self._device)
        try:
            with torch.inference_mode():
                batch.run(self._model, next(iter(self._ends), 0) if pad is None else pad, stopped)
        except torch.OutOfMemoryError:
            raise UsageError(
                "a batch does not fit into the GPU's memory",
                f"{len(rows)} rows of up to {max(row.width for row in rows)} tokens.",
                "Lower options.batch_size or options.batch_tokens.",
            ) from None
        return batch.said

    def _ends_with_stop(self, row: Row, tokens: Sequence[int]) -> bool:
        """Whether a stop string has just been completed; a character is at most four tokens."""
        if not row.stop:
            return False
        tail = self.text(tokens[-4 * max(map(len, row.stop)) - 4 :])
        return any(stop in tail for stop in row.stop)


def _device(wanted: str) -> torch.device:
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device(wanted)
    except RuntimeError as error:
        raise UsageError(f"there is no device '{wanted}'", str(error).split("\n")[0]) from None


def _end_ids(tokenizer: Any, stated: dict[str, Any], config: Any) -> frozenset[int]:
    """Every token that ends an answer: of the tokenizer, of generation_config.json, of the configuration."""
    ends: set[int] = set()
    for told in (tokenizer.eos_token_id, stated.get("eos_token_id"), getattr(config, "eos_token_id", None)):
        ends |= set(told) if isinstance(told, list) else set() if told is None else {told}
    return frozenset(ends)


def _context(tokenizer: Any, config: Any) -> int | None:
    """Most tokens of a conversation, answer included; None when nothing says it.

    The configuration goes first: many tokenizers state a length that their model does not have.
    """
    for told in (getattr(config, "max_position_embeddings", None), tokenizer.model_max_length):
        if told is not None and 0 < told < 10**9:
            return int(told)
    return None


def _unasked(request: ChatRequest, error: str) -> ChatReply:
    return ChatReply(request.key, ResponseStatus.FAILED, error=" ".join(error.split())[:400])
