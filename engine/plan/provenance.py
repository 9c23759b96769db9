"""Every value of a plan with where it comes from: `plan show`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.plan.catalogue import keys_by_pattern, pattern_of
from engine.plan.derived import REASONS
from engine.plan.document import Document
from engine.plan.emit import toml_literal
from engine.plan.keypath import KeyPath, spell
from engine.plan.reading import EffectivePlan


@dataclass(frozen=True, slots=True)
class PlanValue:
    """A value of the effective plan.

    Attributes:
        key: dotted path.
        value: JSON-like; None is not set.
        source: `FILE:LINE`, `--set`, `default`, or `default: ` and what it follows from.
    """

    key: str
    value: Any
    source: str

    @property
    def text(self) -> str:
        """The value as a plan would say it; `-` where it is not set."""
        return "-" if self.value in (None, [], {}) else toml_literal(self.value)


def explain(effective: EffectivePlan) -> list[PlanValue]:
    """All values in the order of the models, those that are not set too."""
    values = effective.plan.model_dump(mode="json")
    return [
        PlanValue(spell(path), value, _source(effective.document, path, value))
        for path, value in _leaves(values, ())
    ]


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for place, item in enumerate(value):
            yield from _leaves(item, (*path, place))
    else:
        yield path, value


def _source(document: Document, path: KeyPath, value: Any) -> str:
    origin = document.said(path)
    if origin is not None:
        return str(origin)
    pattern = pattern_of(path)
    key, reason = keys_by_pattern().get(pattern), REASONS.get(pattern)
    follows = reason and value not in (None, []) and key is not None and value != key.default
    return f"default: {reason}" if follows else "default"
