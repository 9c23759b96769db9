"""A model behind an OpenAI chat completions server, or behind several that serve the same one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Literal, Self

from pydantic import Field

from engine.errors import UsageError
from engine.players.addresses import Addresses
from engine.players.attempts import Attempts, Course, GaveUp, Limits
from engine.players.backoff import Backoff
from engine.players.base import ChatReply, ChatRequest, Load, ModelIdentity, PlayerSpec
from engine.players.clock import Clock, SystemClock
from engine.players.completion import OURS, Completion, ThinkingTags, chat_body, read_completion
from engine.players.endpoint import Endpoint
from engine.players.failures import Rejected
from engine.players.flow import Flow
from engine.players.pool import Exhausted
from engine.players.redact import read_key
from engine.players.servers import Servers
from engine.players.window import Window
from engine.plugin_options import PluginOptions, read_options
from engine.plugins import Group
from engine.records import Message, ResponseStatus

TRIAL_TOKENS = 16


class HttpOptions(PluginOptions):
    """Options of a player of kind `http`."""

    concurrency: int = Field(32, ge=1, le=4096, description="requests in flight per endpoint, at most")
    start: int = Field(8, ge=1, le=4096, description="requests in flight per endpoint, to begin with")
    deadline_s: float = Field(
        1200, gt=0, description="seconds for one request, all attempts and waits included"
    )
    attempt_s: float | None = Field(
        None, gt=0, description="seconds for one attempt; default half the deadline"
    )
    attempts: int = Field(6, ge=1, description="attempts per request, at most")
    patience_s: float = Field(300, gt=0, description="seconds without any answer after which the run stops")
    max_body_mb: float = Field(16, gt=0, description="largest answer in megabytes, decompressed")
    structured: Literal["auto", "json_schema", "none"] = Field(
        "auto", description="whether the server is asked to hold replies to a JSON schema; auto tries"
    )
    token_limit_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="what the server calls the limit on new tokens"
    )
    accept_models: tuple[str, ...] = Field(
        (), description="further names under which the server may answer, such as a dated one"
    )
    thinking_tags: tuple[tuple[str, str], ...] = Field(
        (("<think>", "</think>"),), description="tags around thinking at the start of an answer"
    )
    thinking_opened: bool = Field(False, description="the chat template itself writes the opening tag")

    @property
    def limits(self) -> Limits:
        return Limits(self.deadline_s, self.attempt_s or self.deadline_s / 2, self.attempts)


class HttpPlayer:
    """Asks the endpoints of one model within limits. See `base.Player` for what each method promises.

    Args:
        clock, backoff: time and waits; tests put others in their place.
    """

    Options = HttpOptions

    def __init__(
        self,
        name: str,
        spec: PlayerSpec,
        options: HttpOptions,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.name = name
        self.sampling = spec.sampling
        self.notes: list[str] = []
        self.holds_schema = options.structured != "none"
        self._schema_confirmed = options.structured == "json_schema"
        self._model = spec.model or ""
        self._revision = spec.revision
        self._api_key_env = spec.api_key_env
        self._options = options
        self._thinking = ThinkingTags(options.thinking_tags, options.thinking_opened)
        clock, backoff = clock or SystemClock(), backoff or Backoff()
        self._clock = clock
        self._flows: set[Flow[ChatRequest, ChatReply | None]] = set()
        self._servers = Servers(
            Addresses(spec.endpoints, name),
            lambda url: Endpoint(url, Window(options.start, options.concurrency)),
            self._model,
            clock,
            backoff,
            options.patience_s,
            self._note,
            self._fill,
        )
        self._attempts = Attempts(self._servers.pool, self._ask, options.limits, backoff, clock, self._fill)

    @classmethod
    def from_plan(cls, name: str, spec: PlayerSpec) -> Self:
        """Check the plan's entry; touches no network.

        Raises:
            UsageError: model or endpoints are missing or wrong, or `sampling.extra` sets what is ours.
            PlanError: the options are wrong.
        """
        options = read_options(HttpOptions, Group.PLAYERS, name, spec.options)
        if not spec.model:
            raise UsageError(f"players.{name} needs a model", mend="Give the name under which it is served.")
        if not spec.endpoints:
            raise UsageError(
                f"players.{name} needs endpoints",
                mend='For example: endpoints = ["http://localhost:8000/v1"], or "@FILE" with one a line',
            )
        if taken := OURS.intersection(spec.sampling.extra):
            raise UsageError(f"players.{name}.sampling.extra must not set {', '.join(sorted(taken))}")
        return cls(name, spec, options)

    @property
    def parallel(self) -> int:
        """Requests that may be in flight at a time, over all endpoints."""
        return self._options.concurrency * max(1, len(self._servers.pool.endpoints))

    @property
    def load(self) -> Load:
        """Requests in flight and places, over all endpoints."""
        endpoints = self._servers.pool.endpoints
        return Load(
            sum(one.in_flight for one in endpoints), sum(one.places for one in endpoints), self.parallel
        )

    async def open(self) -> None:
        """Connect to every endpoint, and take fingerprints.

        Raises:
            UsageError: the key's variable is not set; endpoints serve different things; nothing identifies the
                model.
            EndpointError: none is listed, or none of them answers.
        """
        from engine.players.wire import Wire

        key = read_key(self._api_key_env, self.name)
        largest = int(self._options.max_body_mb * 1_000_000)
        await self._servers.open(
            lambda url: Wire(url, key, max_body_bytes=largest, wall=self._clock.wall), self._revision
        )

    def identity(self) -> ModelIdentity:
        facts = {
            "model": self._model,
            "revision": self._revision,
            "fingerprint": self._servers.fingerprint.facts,
        }
        return ModelIdentity(kind="endpoint", facts=facts)

    async def try_schema(self, schema: Mapping[str, Any]) -> bool:
        """Ask for a few tokens under the schema, unless the plan or an earlier answer has settled it."""
        if self.holds_schema and not self._schema_confirmed:
            sampling = replace(self.sampling, max_tokens=TRIAL_TOKENS)
            trial = ChatRequest("schema", (Message("user", "Reply in JSON."),), sampling, schema=schema)
            try:
                await self._complete(trial, Course())
            except (
                Rejected
            ) as refusal:  # with and without it: the trial tells nothing, and is no request of ours
                self._note(f"the server of '{self.name}' refuses a short request ({refusal.reason})")
            except (GaveUp, Exhausted) as failure:
                raise self._servers.pool.error() from failure
        return self.holds_schema

    async def chat(self, requests: Iterable[ChatRequest]) -> AsyncIterator[ChatReply]:
        """Answers as they get done. At most `concurrency` requests per endpoint are in flight, and at most as
        many again wait for their next attempt. Closing the generator cancels them all.

        Raises:
            EndpointError: no endpoint is left to ask.
        """
        lost = False

        def room() -> int:
            """One is taken even where nothing can be asked, so that a run with work left is not taken for done."""
            return 0 if lost else max(1, self._room())

        flow = Flow(requests, self._serve, room)
        self._flows.add(flow)
        try:
            async with aclosing(flow.results()) as replies:
                async for reply in replies:
                    if reply is None:
                        lost = True
                    else:
                        yield reply
        finally:
            self._flows.discard(flow)
        if lost:
            raise self._servers.pool.error()

    async def close(self) -> None:
        await self._servers.close()

    async def _serve(self, request: ChatRequest) -> ChatReply | None:
        """The reply to a request; None when no endpoint is left to ask."""
        course = Course()
        try:
            return self._reply(request, await self._complete(request, course), course)
        except Rejected as failure:
            return self._failed(request, failure.reason)
        except GaveUp as failure:
            return self._failed(request, failure.reason, retryable=True)
        except Exhausted:
            return None

    async def _complete(self, request: ChatRequest, course: Course) -> Completion:
        """Ask with the schema where the server holds to one; what it cannot do is found out by asking."""
        if request.schema is None or not self.holds_schema:
            return await self._attempts.complete(self._body(request, with_schema=False), course)
        try:
            completion = await self._attempts.complete(self._body(request, with_schema=True), course)
        except Rejected as refusal:
            if self._schema_confirmed:
                raise
            completion = await self._attempts.complete(self._body(request, with_schema=False), course)
            self._without_schema(refusal)
        else:
            self._schema_confirmed = True
        return completion

    def _without_schema(self, refusal: Rejected) -> None:
        self.holds_schema = False
        self._note(f"the server of '{self.name}' holds replies to no JSON schema ({refusal.reason})")

    def _body(self, request: ChatRequest, with_schema: bool) -> bytes:
        return chat_body(self._model, request, self._options.token_limit_field, with_schema)

    async def _ask(self, endpoint: Endpoint, body: bytes) -> Completion:
        answer = await self._servers.post(endpoint, "/chat/completions", body)
        return read_completion(answer, self._thinking)

    def _reply(self, request: ChatRequest, completion: Completion, course: Course) -> ChatReply:
        told = completion.model
        if told is not None and told not in {self._model, *self._options.accept_models}:
            return self._failed(request, f"other model: {told[:200]!r}", reported_model=told)
        return ChatReply(
            key=request.key,
            status=completion.status,
            text=completion.text,
            thinking=completion.thinking,
            finish_reason=completion.finish_reason,
            tokens_in=completion.tokens_in,
            tokens_out=completion.tokens_out,
            latency_ms=course.latency_ms,
            reported_model=told,
        )

    def _failed(
        self, request: ChatRequest, error: str, retryable: bool = False, reported_model: str | None = None
    ) -> ChatReply:
        return ChatReply(
            request.key,
            ResponseStatus.FAILED,
            error=error,
            retryable=retryable,
            reported_model=reported_model,
        )

    def _room(self) -> int:
        """How many requests may be under way: those in flight, and those that rest between attempts."""
        pool = self._servers.pool
        places = pool.places
        resting = min(self._attempts.resting, self.parallel)
        return places + resting if places else 0

    def _fill(self) -> None:
        """There may be more room: a request rests, or another endpoint can be asked."""
        for flow in self._flows:
            flow.fill()

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
