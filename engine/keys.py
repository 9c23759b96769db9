"""Content keys: the identity of everything that a run makes, derived from what it was made from.

A key is a version prefix and 128 bits of SHA-256 over canonical JSON, such as `r1:5b0c...`. The prefix names the
noun and the version of its recipe; when a recipe changes, its number does, and old rows stay true under theirs.
`engine.store.verify` derives them again. A changed template, checkpoint or sampling gives another key, so a
stored row is never met by a question that it does not answer.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.records import Conversation, Message, Sampling

PROMPT = "p1"
PLAYER = "a1"
RESPONSE = "r1"
JUDGE = "j1"
VERDICT = "v1"
BATTLE = "b1"
SELECTION = "s1"

NONCE_PLACEHOLDER = "{nonce}"


def canonical(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no spaces, ASCII (a lone surrogate becomes its own escape), no NaN.

    Raises:
        ValueError: for NaN or an infinity, which JSON does not have.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def content_hash(value: Any) -> str:
    """128 bits of SHA-256 over canonical JSON, as 32 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()[:32]


def _key(prefix: str, value: Any) -> str:
    return f"{prefix}:{content_hash([prefix, value])}"


def conversation_json(conversation: Conversation) -> list[list[str | None]]:
    """A conversation as JSON: [role, content] pairs, content null where a turn is open."""
    return [[m.role, m.content] for m in conversation.messages]


def sampling_json(sampling: Sampling) -> dict[str, Any]:
    """Sampling as JSON with only what was said, numbers in one form (1 and 1.0 are one temperature)."""
    floats = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    others = {
        "top_k": sampling.top_k,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "extra": dict(sampling.extra) or None,
    }
    said = {name: None if value is None else float(value) for name, value in floats.items()} | others
    return {name: value for name, value in said.items() if value is not None}


def prompt_key(conversation: Conversation) -> str:
    """A prompt is its conversation: the same text in two sets is one prompt."""
    return _key(PROMPT, conversation_json(conversation))


def named_prompt_key(set_name: str, name: str) -> str:
    """A prompt whose text is unknown is its name in its set."""
    return _key(PROMPT, {"set": set_name, "name": name})


def player_key(model: Mapping[str, Any], template_hash: str | None, sampling: Sampling | None) -> str:
    """A player for keys: model identity, chat template, sampling; not how it is reached.

    Sampling is None for an imported player, of which it is not known.
    """
    said = None if sampling is None else sampling_json(sampling)
    return _key(PLAYER, {"model": dict(model), "template": template_hash, "sampling": said})


def response_key(player: str, prompt: str, sample: int) -> str:
    """The `sample`-th (from 0) answer of a player (its key) to a prompt (its key)."""
    return _key(RESPONSE, [player, prompt, sample])


def imported_response_key(player: str, prompt: str, turns: Sequence[str]) -> str:
    """An imported response is known by its text: a file says nothing of how often a player was asked."""
    return _key(RESPONSE, {"player": player, "prompt": prompt, "turns": list(turns)})


def judge_key(
    kind: str,
    model: Mapping[str, Any] | None,
    template_hash: str | None,
    sampling: Sampling | None,
    options: Mapping[str, Any] | None = None,
) -> str:
    """A judge for keys. `template_hash` is of the judge's prompt template; None for a checker or people."""
    said = None if sampling is None else sampling_json(sampling)
    options = dict(options or {})
    return _key(
        JUDGE,
        {
            "kind": kind,
            "model": None if model is None else dict(model),
            "template": template_hash,
            "sampling": said,
            "options": options,
        },
    )


def verdict_key(judge: str, messages: Sequence[Message]) -> str:
    """What was shown to a judge (its key): the rendered messages, with the nonce as NONCE_PLACEHOLDER."""
    return _key(VERDICT, [judge, [[m.role, m.content] for m in messages]])


def compared_verdict_key(judge: str, prompt: str, first: str, second: str | None, turn: int | None) -> str:
    """A verdict of a judge that renders no messages (a checker): by the keys of what it compared."""
    return _key(VERDICT, {"judge": judge, "prompt": prompt, "shown": [first, second], "turn": turn})


def recorded_verdict_key(judge: str, facts: Mapping[str, Any]) -> str:
    """An imported verdict: by what its row said (prompt, players, responses where known, value, its own id)."""
    return _key(VERDICT, {"judge": judge, "recorded": dict(facts)})


def battle_key(judge: str, prompt: str, a: str, b: str, turn: int | None) -> str:
    """Two responses (their keys) to one prompt before one judge. The arena is no part: it can be renamed."""
    return _key(BATTLE, [judge, prompt, a, b, turn])


def recorded_battle_key(judge: str, facts: Mapping[str, Any]) -> str:
    """An imported battle whose responses are unknown: by what its row said."""
    return _key(BATTLE, {"judge": judge, "recorded": dict(facts)})


def selection_key(parameters: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> str:
    """Training rows (keys of prompt, responses and battles, in order) with the parameters that they follow from."""
    return _key(SELECTION, {"parameters": dict(parameters), "rows": [list(row) for row in rows]})


def request_seed(base: int | None, key: str) -> int | None:
    """A request's own seed in 0..2**31-1, from the plan's seed and the request's key; None when unseeded."""
    if base is None:
        return None
    digest = hashlib.sha256(f"{base}/{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") & 0x7FFFFFFF


def nonce(secret: bytes, key: str) -> str:
    """The fence nonce of a verdict: 16 hexadecimal digits of HMAC-SHA-256(store secret, verdict key).

    The same after a resume, so that the same bytes are sent; unknown to whoever wrote the responses.
    """
    return hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()[:16]
