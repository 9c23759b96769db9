"""A plug-in's options, checked by its own typed model, with errors that name the plan's keys."""

from __future__ import annotations

import difflib
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import PlanError, Problem, UsageError
from engine.players.base import PlayerSpec

OptionsT = TypeVar("OptionsT", bound="PlayerOptions")


class PlayerOptions(BaseModel):
    """Base of all options of players: unknown keys are errors, values are fixed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_options(model: type[OptionsT], name: str, spec: PlayerSpec) -> OptionsT:
    """The options of a plan's entry.

    Raises:
        PlanError: all that is wrong with them, by key, with the nearest known key.
    """
    try:
        return model.model_validate(dict(spec.options))
    except ValidationError as error:
        known = list(model.model_fields)
        problems = tuple(_problem(name, known, e["loc"], e["msg"], e["type"]) for e in error.errors())
        raise PlanError(f"the options of player '{name}' are wrong", problems) from None


def _problem(name: str, known: list[str], loc: tuple[int | str, ...], message: str, kind: str) -> Problem:
    key = ".".join(["players", name, "options", *map(str, loc)])
    if kind != "extra_forbidden":
        return Problem(key, message)
    near = difflib.get_close_matches(str(loc[0]), known, n=1)
    return Problem(key, "no such option", nearest=near[0] if near else None)


def refuse(name: str, kind: str, spec: PlayerSpec, *fields: str) -> None:
    """Say that a field of the plan means nothing to this kind of player, rather than ignore it.

    Raises:
        UsageError: one of the fields is set.
    """
    for field in fields:
        if getattr(spec, field):
            raise UsageError(
                f"players.{name}.{field} means nothing to a player of kind '{kind}'",
                mend=f"Remove '{field}' from [players.{name}].",
            )
