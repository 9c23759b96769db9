"""A judge's options, checked by its own typed model."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import PlanError, Problem, UsageError
from engine.judges.base import JudgeSpec


class JudgeOptions(BaseModel):
    """Base of all options of judges: unknown keys are errors, values are fixed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


OptionsT = TypeVar("OptionsT", bound=JudgeOptions)


def read_options(model: type[OptionsT], name: str, spec: JudgeSpec) -> OptionsT:
    """The options of a plan's entry.

    Raises:
        PlanError: all that is wrong with them, by key.
    """
    try:
        return model.model_validate(dict(spec.options))
    except ValidationError as error:
        problems = tuple(
            Problem(".".join(["judges", name, "options", *map(str, found["loc"])]), found["msg"])
            for found in error.errors()
        )
        raise PlanError(f"the options of judge '{name}' are wrong", problems) from None


def refuse(name: str, kind: str, spec: JudgeSpec, *fields: str) -> None:
    """Say that a field of the plan means nothing to this kind of judge, rather than ignore it.

    Raises:
        UsageError: one of the fields is set.
    """
    for field in fields:
        if getattr(spec, field):
            raise UsageError(
                f"judges.{name}.{field} means nothing to a judge of kind '{kind}'",
                mend=f"Remove '{field}' from [judges.{name}].",
            )
