"""What a plan says to a plug-in, checked by the plug-in's own typed model, with errors that name the plan's keys."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import PlanError, Problem, UsageError
from engine.plugins import Group

OptionsT = TypeVar("OptionsT", bound="PluginOptions")


class PluginOptions(BaseModel):
    """Base of all options: unknown keys are errors, values are fixed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_options(model: type[OptionsT], group: Group, name: str, options: Mapping[str, Any]) -> OptionsT:
    """The options of a plan's entry.

    Args:
        name: of the player or judge.

    Raises:
        PlanError: all that is wrong with them, by key, with the nearest known key.
    """
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        known = list(model.model_fields)
        place = [f"{group.noun}s", name, "options"]
        problems = tuple(_problem(place, known, e["loc"], e["msg"], e["type"]) for e in error.errors())
        raise PlanError(f"the options of {group.noun} '{name}' are wrong", problems) from None


def _problem(
    place: list[str], known: list[str], loc: tuple[int | str, ...], message: str, kind: str
) -> Problem:
    key = ".".join([*place, *map(str, loc)])
    if kind != "extra_forbidden":
        return Problem(key, message)
    near = difflib.get_close_matches(str(loc[0]), known, n=1)
    return Problem(key, "no such option", nearest=near[0] if near else None)


def refuse(group: Group, kind: str, name: str, spec: Any, *fields: str) -> None:
    """Say that a field of the plan means nothing to this kind of plug-in, rather than ignore it.

    Args:
        spec: what the plan says of the entry; has the fields as attributes.

    Raises:
        UsageError: one of the fields is set.
    """
    for field in fields:
        if getattr(spec, field):
            raise UsageError(
                f"{group.noun}s.{name}.{field} means nothing to a {group.noun} of kind '{kind}'",
                mend=f"Remove '{field}' from [{group.noun}s.{name}].",
            )
