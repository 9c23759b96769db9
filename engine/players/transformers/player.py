"""The player itself: requests into batches, batches into a thread, tokens into replies. Imports no torch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from pydantic import Field

from engine.errors import MissingExtra, UsageError
from engine.players.base import ChatReply, ChatRequest, ModelIdentity, PlayerSpec
from engine.players.thinking import split_thinking
from engine.players.transformers.batching import Row, batches
from engine.players.transformers.checkpoint import (
    Checkpoint,
    is_of_extra,
    notes_on_defaults,
    read_checkpoint,
    stated_defaults,
    template_hash,
)
from engine.plugin_options import PluginOptions, read_options, refuse
from engine.plugins import Group
from engine.records import ResponseStatus

if TYPE_CHECKING:
    from engine.players.transformers.decoding import Said
    from engine.players.transformers.loaded import Loaded

ResultT = TypeVar("ResultT")

USUAL_BATCH = 64
"""Rows of a batch where the options say nothing and the model is not tiny."""

WINDOW_BATCHES = 4
"""Batches' worth of requests that are taken at a time, to be sorted by length."""


class TransformersOptions(PluginOptions):
    """Options of a player of kind `transformers`."""

    batch_size: int | None = Field(
        None, ge=1, description="rows at a time; default 256 for tiny models, else 64"
    )
    batch_tokens: int = Field(131_072, ge=1, description="tokens at a time, padding and new ones included")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="auto is float32 on a CPU, and as the checkpoint was saved elsewhere"
    )
    device: str = Field("auto", description="auto takes the first GPU, else the CPU")
    num_threads: int | None = Field(
        None, ge=1, description="CPU threads; default 1 for tiny models, else torch's"
    )
    thinking_tags: tuple[tuple[str, str], ...] = Field(
        (("<think>", "</think>"),), description="tags around thinking at the start of an answer"
    )
    thinking_opened: bool = Field(False, description="the chat template itself writes the opening tag")


class TransformersPlayer:
    """Generates in this process, one batch at a time, in a thread. See `base.Player`.

    It holds replies to no schema: that is left to the prompt and to whoever reads them.
    """

    Options = TransformersOptions

    def __init__(self, name: str, spec: PlayerSpec, options: TransformersOptions) -> None:
        self.name = name
        self.sampling = spec.sampling
        self.notes: list[str] = []
        self.holds_schema = False
        self._model_name = spec.model or ""
        self._revision = spec.revision
        self._options = options
        self._checkpoint: Checkpoint | None = None
        self._loaded: Loaded | None = None
        self._one_batch = asyncio.Lock()
        self._loading = asyncio.Lock()

    @classmethod
    def from_plan(cls, name: str, spec: PlayerSpec) -> Self:
        """Check the plan's entry; touches no file.

        Raises:
            UsageError: the model is missing, or a field means nothing to this kind.
            PlanError: the options are wrong.
        """
        refuse(Group.PLAYERS, "transformers", name, spec, "endpoints", "api_key_env")
        options = read_options(TransformersOptions, Group.PLAYERS, name, spec.options)
        if not spec.model:
            raise UsageError(f"players.{name} needs a model", mend="Give a folder, or pocket:NAME.")
        if spec.sampling.extra:
            raise UsageError(
                f"players.{name}.sampling.extra means nothing to a player of kind 'transformers'",
                mend=f"Remove {', '.join(sorted(spec.sampling.extra))}.",
            )
        return cls(name, spec, options)

    @property
    def parallel(self) -> int:
        """Rows of a batch, as far as is known before the checkpoint is loaded."""
        return self._loaded.batch_size if self._loaded else self._options.batch_size or USUAL_BATCH

    @property
    def tokenizer(self) -> Path | None:
        """The folder of its tokenizer, once it is open."""
        return None if self._checkpoint is None else self._checkpoint.folder

    async def open(self) -> None:
        """Find the checkpoint and identify it. It is loaded with the first request, so that a run whose answers are
        all in the store needs neither torch nor memory.

        Raises:
            UsageError: no such model, or one that cannot chat.
            MissingExtra: it has to come from the hub, and what fetches it is not installed.
        """
        self._checkpoint = await asyncio.to_thread(read_checkpoint, self._model_name, self._revision)
        stated = stated_defaults(self._checkpoint.folder)
        self._note(notes_on_defaults(stated, self.sampling))

    def identity(self) -> ModelIdentity:
        """The hash of the model's files, and of its chat template; not the path."""
        checkpoint = self._open()
        return ModelIdentity("weights", {"sha256": checkpoint.sha256}, template_hash(checkpoint.template))

    async def try_schema(self, schema: Mapping[str, Any]) -> bool:
        return False

    async def chat(self, requests: Iterable[ChatRequest]) -> AsyncIterator[ChatReply]:
        """Answers, batch after batch. Cancelling ends the batch at its next token.

        Raises:
            MissingExtra: torch or transformers is not installed.
            UsageError: the checkpoint cannot be loaded.
        """
        source = iter(requests)
        first = next(source, None)
        if first is None:
            return
        loaded = await self._load_once()
        source = chain([first], source)
        while window := list(islice(source, WINDOW_BATCHES * loaded.batch_size)):
            rows = []
            for prepared in await asyncio.to_thread(loaded.prepare_all, window):
                if isinstance(prepared, Row):
                    rows.append(prepared)
                else:
                    yield prepared
            for batch in batches(rows, loaded.batch_size, self._options.batch_tokens):
                for reply in await self._answer(loaded, batch):
                    yield reply

    async def close(self) -> None:
        self._loaded = self._checkpoint = None

    async def _answer(self, loaded: Loaded, batch: list[Row]) -> list[ChatReply]:
        async with self._one_batch:
            said = await _in_thread(lambda stopped: loaded.generate(batch, stopped))
        return [self._reply(loaded, row, one) for row, one in zip(batch, said, strict=True)]

    def _reply(self, loaded: Loaded, row: Row, said: Said) -> ChatReply:
        if said.error is not None:
            return ChatReply(row.request.key, ResponseStatus.FAILED, error=said.error)
        text = _before_stop(loaded.text(said.tokens), row.stop)
        thought = split_thinking(text, self._options.thinking_tags, self._options.thinking_opened)
        if said.finish_reason == "length" or not thought.complete:
            status = ResponseStatus.CUT
        else:
            status = ResponseStatus.OK if thought.answer.strip() else ResponseStatus.EMPTY
        return ChatReply(
            key=row.request.key,
            status=status,
            text=thought.answer,
            thinking=thought.thinking,
            finish_reason=said.finish_reason,
            tokens_in=len(row.ids),
            tokens_out=len(said.tokens),
            latency_ms=1000 * said.seconds,
        )

    def _note(self, notes: Sequence[str]) -> None:
        self.notes += [f"{self.name}: {note}" for note in notes]

    def _open(self) -> Checkpoint:
        if self._checkpoint is None:
            raise RuntimeError(f"player '{self.name}' is not open")
        return self._checkpoint

    async def _load_once(self) -> Loaded:
        async with self._loading:
            if self._loaded is None:
                self._loaded = await asyncio.to_thread(self._load, self._open())
                self._note(self._loaded.notes)
            return self._loaded

    def _load(self, checkpoint: Checkpoint) -> Loaded:
        try:
            import torch  # noqa: F401
            import transformers  # noqa: F401
        except ModuleNotFoundError as error:
            if not is_of_extra(error):
                raise
            raise MissingExtra("the transformers player", "train") from None
        from engine.players.transformers.loaded import Loaded

        options = self._options
        return Loaded(
            checkpoint.folder,
            dtype=options.dtype,
            device=options.device,
            batch_size=options.batch_size,
            num_threads=options.num_threads,
        )


async def _in_thread(work: Callable[[threading.Event], ResultT]) -> ResultT:
    """Run work in a thread that nobody else's batch runs beside: when we are cancelled it is told to stop, and
    waited for."""
    stopped = threading.Event()
    running = asyncio.ensure_future(asyncio.to_thread(work, stopped))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.gather(running, return_exceptions=True)
        raise


def _before_stop(text: str, stop: Sequence[str]) -> str:
    """The text before the first of the stop strings."""
    places = [place for place in map(text.find, stop) if place >= 0]
    return text[: min(places)] if places else text
