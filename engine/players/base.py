"""What every player agrees on: requests in, replies out, in whatever order they are done.

A player is found by entry point (`arena_tui.players`), built from the plan's entry by `from_plan`, opened once,
asked many times and closed. It knows nothing of the store, of battles or of judges; a judge that is a model asks
through the same door.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from engine.records import Message, ResponseStatus, Sampling


@dataclass(frozen=True, slots=True)
class PlayerSpec:
    """A player as the plan says it, handed to the named plug-in's `from_plan`.

    Attributes:
        name: what the plan calls it.
        model: the served model's name, a folder, `pocket:NAME`; what each kind makes of it is its own matter.
        revision: what tells this checkpoint from others behind the same name.
        endpoints: base URLs such as `http://host:8000/v1`, without user, password or query; or `@FILE` with one a
            line, which is read when the player is opened, and again while it is asked.
        api_key_env: name of the environment variable that holds the key; never the key.
        options: the plug-in's own, checked by its `Options`.
    """

    name: str
    model: str | None = None
    revision: str | None = None
    endpoints: tuple[str, ...] = ()
    api_key_env: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What a model is, for content keys: two models with equal identities give the same answers.

    Attributes:
        kind: `weights` (a hash of the files), `endpoint` (plan model, revision, fingerprint), `name` (an import).
        facts: what identifies it, JSON-like; hashed as canonical JSON.
        template_hash: hash of the chat template; None where the server renders.
    """

    kind: str
    facts: Mapping[str, Any]
    template_hash: str | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One assistant turn to be generated.

    Attributes:
        key: the content key of what is asked; seeds and nonces derive from it.
        messages: the whole history; the last one is a user (or system) message.
        sampling: as the plan says it.
        seed: this request's own seed, the same whenever it is sent again; None for unseeded.
        schema: JSON schema that the whole reply has to follow, where the player can hold the model to it.
    """

    key: str
    messages: tuple[Message, ...]
    sampling: Sampling
    seed: int | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What came of one request. A failure is a reply too: `status` failed, `error` says why.

    `text` is the answer with thinking taken out. `reported_model` is what the server called itself.
    `retryable` says that the same request may well be answered another time.
    """

    key: str
    status: ResponseStatus
    text: str = ""
    thinking: str | None = None
    finish_reason: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    latency_ms: float | None = None
    reported_model: str | None = None
    error: str | None = None
    retryable: bool = field(default=False)


@dataclass(frozen=True, slots=True)
class Load:
    """What a player has in hand at the moment.

    Attributes:
        in_flight: requests that are being asked.
        window: as many as may be in flight now, as far as its servers are known.
        limit: as many as the plan allows.
    """

    in_flight: int
    window: int
    limit: int


class Player(Protocol):
    """How a model is reached. A class also has `from_plan(name, spec)` and a pydantic model `Options`; one whose
    concurrency adapts has an attribute `load`, a `Load`; one whose tokenizer is on this machine has an attribute
    `tokenizer`, its folder once the player is open, whose special tokens a judge keeps out of what it shows.

    Attributes:
        notes: what a person should know of how it went (a server that cannot hold to a schema, an endpoint set
            aside), each once, in order, without secrets. It grows in `open` and `chat`; the caller shows what
            it has not shown yet.
        parallel: how many requests it answers at a time at most, after `open`; time is reckoned by it.
        holds_schema: whether replies follow `ChatRequest.schema` by force, as far as is known (`try_schema`
            makes sure). Where it is False the schema is left to the prompt and to whoever reads the reply.
    """

    name: str
    sampling: Sampling
    notes: list[str]
    holds_schema: bool

    @property
    def parallel(self) -> int: ...

    @classmethod
    def from_plan(cls, name: str, spec: PlayerSpec) -> Self:
        """Check the plan's entry and build the player. Touches neither network nor model.

        Raises:
            UsageError, PlanError: all that is wrong with the entry.
        """

    async def open(self) -> None:
        """Load or connect. Called once, before `identity` and `chat`.

        Raises:
            EndpointError, MissingExtra, UsageError: with what to do.
        """

    def identity(self) -> ModelIdentity:
        """What is being asked, read when it was opened."""

    async def try_schema(self, schema: Mapping[str, Any]) -> bool:
        """Find out, after `open`, whether replies can be held to a JSON schema; `holds_schema` says so from then on.

        For whoever shapes what is asked by it, as a judge does. It may cost one short request.

        Raises:
            EndpointError: nothing answers.
        """

    def chat(self, requests: Iterable[ChatRequest]) -> AsyncIterator[ChatReply]:
        """Answer all requests, each exactly once, as they get done. Requests are taken as there is room for them.

        An iterator that has nothing to give may have more once a reply was had (the next turn of a
        conversation): it is asked again as long as something is in flight, but no player has to.

        Raises:
            EndpointError: nothing more can be asked; replies had so far came first, the rest got none.
        """

    async def close(self) -> None:
        """Give back what `open` took."""
