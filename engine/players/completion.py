"""OpenAI chat completions as bytes: what is sent, and what of an answer counts.

Only a complete, valid body is an answer. Servers send errors with status 200, null content, no choices, numbers
that are none; each of these is a `BadBody` with its reason, never an empty or invented text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.players import strict_json
from engine.players.base import ChatRequest
from engine.players.failures import MAX_REASON, Rejected, Transient
from engine.players.thinking import DEFAULT_TAGS, Tags, Thought, split_thinking, thinking_field
from engine.records import ResponseStatus, Sampling

FINISHED = frozenset({"stop", "eos", "eos_token", "stop_sequence", "end_turn"})
CUT = frozenset({"length", "max_tokens"})
REFUSED = frozenset({"content_filter", "refusal"})
TOOLS = frozenset({"tool_calls", "function_call", "tool_use"})
_SAMPLING = {"temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "stop", "seed"}
OURS = frozenset({"model", "messages", "stream", "n", "response_format"} | _SAMPLING)
"""Fields of the request that `Sampling.extra` may not set: they are ours, or have a key of their own."""


class BadBody(Transient):
    """A body with status 200 that is no answer."""


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer as the server gave it, thinking apart.

    Attributes:
        model: what the server calls itself; None where it does not say.
    """

    status: ResponseStatus
    text: str
    thinking: str | None
    finish_reason: str
    tokens_in: int | None
    tokens_out: int | None
    model: str | None


@dataclass(frozen=True, slots=True)
class ThinkingTags:
    """How a served model writes its thinking; see `thinking.split_thinking`."""

    tags: Sequence[Tags] = DEFAULT_TAGS
    opened: bool = False


def chat_body(model: str, request: ChatRequest, token_limit_field: str, with_schema: bool) -> bytes:
    """The request as ASCII JSON: lone surrogates and NUL travel as their escapes, exactly."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
    }
    body |= _sampling_fields(request.sampling, token_limit_field)
    if request.seed is not None:
        body["seed"] = request.seed
    if with_schema and request.schema is not None:
        shape = {"name": "reply", "schema": request.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": shape}
    return json.dumps(body, ensure_ascii=True, allow_nan=False).encode("ascii")


def _sampling_fields(sampling: Sampling, token_limit_field: str) -> dict[str, Any]:
    said = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        token_limit_field: sampling.max_tokens,
        "stop": list(sampling.stop) or None,
    }
    return {name: value for name, value in said.items() if value is not None} | dict(sampling.extra)


def read_completion(body: bytes, thinking: ThinkingTags | None = None) -> Completion:
    """Read the body of a response with status 200.

    Raises:
        BadBody: it is not one complete, valid chat completion; with the reason.
        Rejected: it is one, and no answer: the model called a tool.
    """
    try:
        return _read(body, thinking or ThinkingTags())
    except ValueError as error:
        raise BadBody(f"bad body: {error}"[:MAX_REASON]) from None


def _read(body: bytes, thinking: ThinkingTags) -> Completion:
    answer = _json(body)
    if not isinstance(answer, dict):
        raise ValueError("no object")
    if answer.get("error") is not None:
        raise ValueError(f"an error with status 200: {error_message(answer)}")
    choice = _only_choice(answer)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise ValueError("no message")
    finish_reason = _finish_reason(choice)
    refusal = _optional_text(message, "refusal")
    thought = _thought(message, thinking)
    status = _status(finish_reason, refusal, thought)
    if thought is None:
        if status is ResponseStatus.OK:
            raise ValueError("null content")
        thought = Thought("", thinking_field(message))
    tokens_in, tokens_out = _usage(answer)
    return Completion(
        status=status,
        text=thought.answer or refusal or "",
        thinking=thought.thinking,
        finish_reason=finish_reason,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        model=_optional_text(answer, "model") or None,
    )


def _json(body: bytes) -> Any:
    if body.lstrip()[:1] == b"<":  # a proxy, a login page: the likeliest body that is no JSON
        raise ValueError("HTML or XML in place of JSON")
    return strict_json.loads(body)


def error_message(answer: Mapping[str, Any]) -> str:
    """The server's own words in an error object, on one line; empty when it has none."""
    error = answer.get("error", answer)
    if isinstance(error, Mapping):
        parts = [error.get("code"), error.get("message", error.get("detail"))]
        error = " ".join(str(part) for part in parts if part is not None)
    return " ".join(str(error).split())


def _only_choice(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = answer.get("choices")
    if not isinstance(choices, list):
        raise ValueError("no choices")
    if len(choices) != 1:
        raise ValueError("empty choices" if not choices else f"{len(choices)} choices, one was asked for")
    if not isinstance(choices[0], dict):
        raise ValueError("a choice that is no object")
    return choices[0]


def _finish_reason(choice: Mapping[str, Any]) -> str:
    reason = choice.get("finish_reason")
    if not isinstance(reason, str):
        raise ValueError("no finish_reason")
    if reason in TOOLS:
        raise Rejected(f"finish_reason {reason!r}: the model called a tool, and none was offered")
    if reason not in FINISHED | CUT | REFUSED:
        raise ValueError(f"finish_reason {reason[:40]!r}")
    return reason


def _thought(message: Mapping[str, Any], thinking: ThinkingTags) -> Thought | None:
    """Answer and thinking, from the server's own field or from tags; None for null content without thinking."""
    content = _optional_text(message, "content")
    apart = thinking_field(message)
    if apart is not None:
        return Thought(content or "", apart)
    if content is None:
        return None
    return split_thinking(content, thinking.tags, thinking.opened)


def _status(finish_reason: str, refusal: str | None, thought: Thought | None) -> ResponseStatus:
    if finish_reason in REFUSED or refusal:
        return ResponseStatus.REFUSED
    if finish_reason in CUT or (thought is not None and not thought.complete):
        return ResponseStatus.CUT
    if thought is not None and not thought.answer.strip():
        return ResponseStatus.EMPTY
    return ResponseStatus.OK


def _optional_text(holder: Mapping[str, Any], name: str) -> str | None:
    value = holder.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _usage(answer: Mapping[str, Any]) -> tuple[int | None, int | None]:
    usage = answer.get("usage")
    if usage is None:
        return None, None
    if not isinstance(usage, dict):
        raise ValueError("usage is no object")
    return _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    value = usage.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(f"{name} is no count")
    return value
