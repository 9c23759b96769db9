"""`plan new`: a commented plan from served models and a prompt file."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel

from engine.errors import UsageError
from engine.plan.catalogue import NAME, PlanKey, keys_by_pattern
from engine.plan.emit import toml_literal
from engine.plan.keypath import quoted
from engine.plan.kinds import is_idle
from engine.plan.values import endpoint_problem
from engine.plugins import Group, load

_SERVED = re.compile(r"(?:(?P<name>[^=@]+)=)?(?P<model>[^=]+?)@(?P<urls>https?://.+)")
_WIDTH = 100
_NOT_OFFERED = {
    ("players", NAME, "serve"),
    ("judges", NAME, "serve"),
    ("judges", NAME, "python"),
    ("ratings", "anchor", "model"),
    ("ratings", "anchor", "rating"),
}
"""Keys that this version reads and does not act on, and the long form of the anchor."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model behind OpenAI chat endpoints."""

    name: str
    model: str
    endpoints: tuple[str, ...]
    api_key_env: str | None = None

    @classmethod
    def parse(cls, text: str, api_key_env: str | None = None) -> Self:
        """Read `NAME=MODEL@URL`, several URLs apart by commas; without a name, it is the model's last part.

        Raises:
            UsageError: it is not of this form, or a URL is none.
        """
        found = _SERVED.fullmatch(text.strip())
        if found is None:
            raise UsageError(
                "a served model is not of the form NAME=MODEL@URL",
                mend="For example: llama=llama-3-8b@http://localhost:8000/v1",
            )
        urls = tuple(url.strip() for url in found["urls"].split(","))
        for problem in filter(None, map(endpoint_problem, urls)):
            raise UsageError("an endpoint of a served model is wrong", problem)
        name = found["name"] or found["model"].split("/")[-1]
        return cls(name.strip(), found["model"], urls, api_key_env)


def new_plan(
    players: Sequence[ServedModel],
    prompts_file: str | Path,
    judge: ServedModel,
    *,
    name: str | None = None,
    mode: str = "round-robin",
) -> str:
    """A plan as TOML text that reads back: what is given as values, every other key as a comment to take in.

    Args:
        players: two or more; each is described once, with all keys, at the first.
        prompts_file: as the plan is to say it, relative to the plan's folder.
        judge: the model that judges, as kind `llm`.
        name: the run's name; the plan's file name when it is None.

    Raises:
        UsageError: fewer than two players, or two of one name.
    """
    names = [player.name for player in players]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise UsageError(
            "a plan needs two players or more, each with a name of its own", f"Given: {', '.join(names)}."
        )
    first, *others = players
    lines = [
        *_comment(f"Battles of {', '.join(names)}."),
        "# Keys behind '#' are not set; they show their default, or an example. Take the '#' away to set one.",
        *_section(("run",), {"name": name, "mode": mode}, names),
        *_section(("prompts",), {"file": str(prompts_file)}, names),
        *_section(("players", NAME), _said(first, "http"), names, first.name),
        *(line for other in others for line in _short(other)),
        *_section(("judges", NAME), _said(judge, "llm"), names, judge.name),
        *_section(("ratings",), {}, names),
    ]
    return "\n".join(lines) + "\n"


def _said(served: ServedModel, kind: str) -> dict[str, Any]:
    said = {"kind": kind, "model": served.model, "endpoints": list(served.endpoints)}
    return said | ({"api_key_env": served.api_key_env} if served.api_key_env else {})


def _short(served: ServedModel) -> Iterator[str]:
    yield from ("", f"[players.{quoted(served.name)}]")
    yield from (f"{key} = {toml_literal(value)}" for key, value in _said(served, "http").items())


def _section(
    pattern: tuple[str, ...], said: Mapping[str, Any], players: Sequence[str], name: str = ""
) -> Iterator[str]:
    """A header with its description, and every key of the table: `said` ones set, the others as comments."""
    header = f"{pattern[0]}.{quoted(name)}" if name else pattern[0]
    yield from ("", *_comment(keys_by_pattern()[pattern[:1]].description), f"[{header}]")
    for key in keys_by_pattern().values():
        if key.pattern[: len(pattern)] == pattern and _is_offered(key, said.get("kind")):
            yield from _key(".".join(key.pattern[len(pattern) :]), key, said, players)
    if "kind" in said:
        yield from _options(Group.PLAYERS if pattern[0] == "players" else Group.JUDGES, said["kind"])


def _is_offered(key: PlanKey, kind: Any) -> bool:
    """Whether a key is a value that `plan new` shows: no table of others, and one that does something here."""
    is_a_value = key.example is not None or not (key.is_table or key.name == "options")
    idle = is_idle(key.pattern[0], kind, key.name)
    return is_a_value and key.pattern not in _NOT_OFFERED and not idle


def _key(name: str, key: PlanKey, said: Mapping[str, Any], players: Sequence[str]) -> Iterator[str]:
    yield from _comment(key.description)
    if said.get(name) is not None:
        yield f"{name} = {toml_literal(said[name])}"
    elif key.default is not None:
        yield f"# {name} = {toml_literal(key.default)}  # default"
    else:
        examples = {"target": players[0], "opponents": list(players[1:]), "anchor": players[0]}
        yield f"# {name} = {toml_literal(examples.get(name, key.example))}  # for example"


def _options(group: Group, kind: str) -> Iterator[str]:
    """The options of the plug-in, as its own typed model describes them."""
    model: type[BaseModel] | None = getattr(load(group, kind), "Options", None)
    for name, field in model.model_fields.items() if model is not None else ():
        default = field.get_default(call_default_factory=True)
        yield from _comment(field.description or "")
        if isinstance(default, str | int | float | list | tuple | dict):
            yield f"# options.{name} = {toml_literal(default)}  # default"
        else:
            yield f"# options.{name} is not set by default"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH - 2)]
