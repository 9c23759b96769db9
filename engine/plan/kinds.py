"""What our own kinds of players and judges need, and which keys do nothing for them.

A kind that is not here is another package's: its keys are between the plan and the plug-in.
"""

from __future__ import annotations

from typing import Any

_REACHED = ("endpoints", "serve", "api_key_env", "python")
_PRICED = ("price_in", "price_out")

# Each group names keys of which one has to be given.
_NEEDED: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("players", "http"): (("model",), ("endpoints", "serve")),
    ("players", "transformers"): (("model",),),
    ("players", "vllm"): (("model",),),
    ("judges", "llm"): (("model",),),
    ("judges", "reward-model"): (("model",),),
}

_IDLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("players", "http"): ("python",),
    ("players", "transformers"): _REACHED,
    ("players", "vllm"): ("endpoints", "api_key_env"),
    ("players", "recorded"): ("revision", *_REACHED, *_PRICED, "sampling"),
    ("judges", "checker"): ("model", "revision", *_REACHED, *_PRICED, "sampling", "template", "tokenizer"),
    ("judges", "recorded"): ("revision", *_REACHED, *_PRICED, "sampling", "template", "tokenizer"),
    ("judges", "reward-model"): (*_REACHED, "sampling", "template"),
}


def needed(section: str, kind: Any) -> tuple[tuple[str, ...], ...]:
    """Groups of keys of `section` (players, judges) of which this kind needs one each."""
    return _NEEDED.get((section, kind), ()) if isinstance(kind, str) else ()


def idle(section: str, kind: Any) -> tuple[str, ...]:
    """Keys of `section` (players, judges) that do nothing for this kind."""
    return _IDLE.get((section, kind), ()) if isinstance(kind, str) else ()


def is_idle(section: str, kind: Any, key: str) -> bool:
    return key in idle(section, kind)
