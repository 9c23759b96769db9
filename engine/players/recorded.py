"""A player whose responses are in the store already, from an import or an earlier run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Self

from engine.players.base import ChatReply, ChatRequest, ModelIdentity, PlayerSpec
from engine.plugin_options import PluginOptions, read_options, refuse
from engine.plugins import Group
from engine.records import ResponseStatus


class RecordedPlayer:
    """Never generates. Whoever runs battles takes what the store has first, so only what it lacks is asked here,
    and each of that is failed (`not recorded`)."""

    Options = PluginOptions

    def __init__(self, name: str, spec: PlayerSpec) -> None:
        self.name = name
        self.sampling = spec.sampling
        self.notes: list[str] = []
        self.holds_schema = False
        self._model = spec.model or name
        self._revision = spec.revision

    @classmethod
    def from_plan(cls, name: str, spec: PlayerSpec) -> Self:
        """Check the plan's entry.

        Raises:
            UsageError: it names endpoints or a key.
            PlanError: it gives options.
        """
        refuse(Group.PLAYERS, "recorded", name, spec, "endpoints", "api_key_env")
        read_options(PluginOptions, Group.PLAYERS, name, spec.options)
        return cls(name, spec)

    @property
    def parallel(self) -> int:
        return 1

    async def open(self) -> None:
        """Nothing to open."""

    def identity(self) -> ModelIdentity:
        """An imported model is known by its name: the plan's `model`, else the player's own."""
        facts: dict[str, Any] = {"name": self._model}
        if self._revision is not None:
            facts["revision"] = self._revision
        return ModelIdentity(kind="name", facts=facts)

    async def try_schema(self, schema: Mapping[str, Any]) -> bool:
        return False

    async def chat(self, requests: Iterable[ChatRequest]) -> AsyncIterator[ChatReply]:
        for request in requests:
            yield ChatReply(request.key, ResponseStatus.FAILED, error="not recorded")

    async def close(self) -> None:
        """Nothing to close."""
