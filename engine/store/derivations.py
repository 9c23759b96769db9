"""The keys that a row can have, from what it holds: for `verify`, and for who takes in rows that claim their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine import keys
from engine.records import Sampling


def sampling_of(said: Mapping[str, Any]) -> Sampling:
    """Sampling from its JSON (`keys.sampling_json`).

    Raises:
        TypeError: it says something that sampling does not have.
    """
    return Sampling(**{**said, "stop": tuple(said.get("stop", ()))})


def player_key(
    kind: str, facts: Mapping[str, Any], template_hash: str | None, sampling: Mapping[str, Any] | None
) -> str:
    """Of a player by its model and sampling.

    Raises:
        TypeError: the sampling is none.
    """
    known = None if sampling is None else sampling_of(sampling)
    return keys.player_key({"kind": kind, "facts": dict(facts)}, template_hash, known)


def named_player_key(name: str) -> str:
    """Of a player of which only the name is known."""
    return player_key("name", {"name": name}, None, None)


def named_judge_key(name: str) -> str:
    """Of a judge of which only the name is known."""
    return keys.judge_key("recorded", {"name": name}, None, None)


def judge_keys(facts: Mapping[str, Any]) -> set[str] | None:
    """Of a judge by what it says of itself; None for a kind that only its plug-in knows."""
    kind = facts.get("kind", "recorded")
    try:
        if kind == "recorded":
            return {named_judge_key(facts["name"])}
        if kind == "checker":
            options = {name: value for name, value in facts.items() if name != "kind"}
            return {keys.judge_key("checker", None, None, None, options)}
        return {_asked_judge_key(kind, facts)} if kind == "llm" else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return set()


def plugin_judge_keys(facts: Mapping[str, Any]) -> set[str]:
    """Of a judge of another package, as `keys.judge_key` makes it of facts that are named as an LLM judge's are."""
    try:
        return {_asked_judge_key(str(facts["kind"]), facts)}
    except (KeyError, TypeError, ValueError, AttributeError):
        return set()


def _asked_judge_key(kind: str, facts: Mapping[str, Any]) -> str:
    sampling = None if facts.get("sampling") is None else sampling_of(facts["sampling"])
    return keys.judge_key(
        kind, facts.get("model"), facts.get("template_hash"), sampling, facts.get("options")
    )


def renders(facts: Mapping[str, Any]) -> bool:
    """Whether the keys of a judge's verdicts hash messages as it rendered them, which only it can do again."""
    return facts.get("kind") not in (None, "recorded", "checker")


def response_keys(player: str, prompt: str, sample: int, turns: Sequence[str]) -> set[str]:
    """Of a response: asked for, or imported."""
    return {
        keys.response_key(player, prompt, sample),
        keys.imported_response_key(player, prompt, turns),
    }


def recorded_verdict_keys(
    judge: str, prompt: str, turn: int | None, source: str, first: str, second: str | None
) -> set[str]:
    """Of an imported verdict: of a single score, or of either game (b is shown first in the second).

    Args:
        first, second: keys of the players as they were shown.
    """
    facts = {"prompt": prompt, "turn": turn, "source": source}
    if second is None:
        return {keys.recorded_verdict_key(judge, facts | {"players": [first]})}
    return {
        keys.recorded_verdict_key(judge, facts | {"players": [first, second], "game": 0}),
        keys.recorded_verdict_key(judge, facts | {"players": [second, first], "game": 1}),
    }


def battle_keys(
    judge: str,
    prompt: str,
    turn: int | None,
    players: tuple[str, str],
    responses: tuple[str | None, str | None],
    source: str | None,
) -> set[str]:
    """Of a battle: by its responses, or as it was imported; empty where neither is known."""
    a, b = responses
    found = {keys.battle_key(judge, prompt, a, b, turn)} if a is not None and b is not None else set()
    if source is not None:
        facts = {"prompt": prompt, "players": list(players), "turn": turn, "source": source}
        found.add(keys.recorded_battle_key(judge, facts))
    return found
