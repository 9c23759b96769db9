"""What a server tells of the model that it serves, so that a new checkpoint behind an old name is noticed.

vLLM and SGLang list `root` and `max_model_len` in /v1/models; vLLM's /tokenize gives the token ids of a
conversation, that is, tokenizer and chat template as rendered. None of it proves that weights are equal, but a
changed one proves that they are not.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from engine.errors import UsageError
from engine.keys import content_hash
from engine.players import strict_json
from engine.players.failures import EndpointFault, Rejected

FIXED_CONVERSATION = (
    {"role": "user", "content": "What is 2 + 2?"},
    {"role": "assistant", "content": "4"},
    {"role": "user", "content": "And the capital of France?"},
)
"""Never change this: every endpoint's identity would change with it. No system turn: some templates have none."""


class Asking(Protocol):
    """What is needed of a connection; see `wire.Wire`."""

    async def get(self, path: str) -> bytes: ...

    async def post(self, path: str, body: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the server told; None for what it did not.

    Attributes:
        listed: the names in /v1/models, sorted; not part of the identity.
        root, max_model_len: of the entry whose id is the model's name.
        tokens: hash of the token ids of FIXED_CONVERSATION.
    """

    listed: tuple[str, ...] = ()
    id: str | None = None
    root: str | None = None
    max_model_len: int | None = None
    tokens: str | None = None

    @property
    def facts(self) -> dict[str, Any] | None:
        """As part of a model's identity; None when the server told no more than the name that we asked for."""
        told = {name: value for name, value in asdict(self).items() if value is not None and name != "listed"}
        return told if told.keys() - {"id"} else None


class Unidentified(UsageError):
    """Neither the server nor the plan says which checkpoint it is."""

    def of(self, table: str) -> Unidentified:
        """The same, with the plan's table in which it is to be said, such as `judges.judge`."""
        return Unidentified(self.title, self.text, self.mended(f"[{table}]"))

    @staticmethod
    def mended(where: str) -> str:
        return (
            f'Say it in the plan, under {where}: revision = "2026-11-24" (a date or a commit).'
            " Give another one whenever what is served changes."
        )


async def read_fingerprint(wire: Asking, base_url: str, model: str) -> Fingerprint:
    """Ask a server what it serves under a name.

    Raises:
        Transient: it could not be asked now.
        EndpointFault: it refuses the key, or is no server that we can talk to.
    """
    models = await _models(wire)
    entry: Mapping[str, Any] = next((m for m in models if m.get("id") == model), {})
    return Fingerprint(
        listed=tuple(sorted(m["id"] for m in models if isinstance(m.get("id"), str))),
        id=_of_type(entry, "id", str),
        root=_of_type(entry, "root", str),
        max_model_len=_of_type(entry, "max_model_len", int),
        tokens=await _tokens(wire, base_url, model),
    )


def check_served(fingerprint: Fingerprint, model: str, revision: str | None, where: str) -> None:
    """Whether an identity can be made of what a server told.

    Raises:
        UsageError: it serves other models.
        Unidentified: it tells nothing, and the plan gives no revision.
    """
    if fingerprint.facts is not None or revision is not None:
        return
    if fingerprint.listed and fingerprint.id is None:
        near = difflib.get_close_matches(model, fingerprint.listed, n=1)
        names = ", ".join(fingerprint.listed[:10]) + (", ..." if len(fingerprint.listed) > 10 else "")
        raise UsageError(
            f"{where} does not list a model '{model}'",
            f"It lists: {names}.",
            f"Did you mean '{near[0]}'?"
            if near
            else "Give one of these, or a revision if it is served unlisted.",
        )
    raise Unidentified(
        f"{where} tells nothing that would identify the checkpoint behind '{model}'",
        "It offers neither root nor max_model_len in /v1/models, nor /tokenize.",
        Unidentified.mended("[players.NAME], or [judges.NAME] of a judge"),
    )


async def _models(wire: Asking) -> list[dict[str, Any]]:
    try:
        answer = strict_json.loads(await wire.get("/models"))
    except EndpointFault as fault:
        if fault.missing:
            return []
        raise
    except (Rejected, ValueError):
        return []
    data = answer.get("data") if isinstance(answer, dict) else None
    return [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []


async def _tokens(wire: Asking, base_url: str, model: str) -> str | None:
    """Hash of the token ids. The route stands beside /v1, not below it, and a gateway may well bar it."""
    body = {"model": model, "messages": FIXED_CONVERSATION, "add_generation_prompt": True}
    url = base_url.rstrip("/").removesuffix("/v1") + "/tokenize"
    try:
        answer = strict_json.loads(await wire.post(url, json.dumps(body).encode()))
    except (Rejected, EndpointFault, ValueError):
        return None
    ids = answer.get("tokens") if isinstance(answer, dict) else None
    if not isinstance(ids, list) or not ids or any(type(i) is not int for i in ids):
        return None
    return content_hash(ids)


def _of_type(entry: Mapping[str, Any], name: str, kind: type) -> Any:
    value = entry.get(name)
    return value if type(value) is kind else None
