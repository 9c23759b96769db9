"""A plan as TOML that reads back to an equal plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.plan.keypath import basic_string, quoted
from engine.plan.model import Plan


def to_toml(plan: Plan) -> str:
    """The effective plan as TOML: all values, defaults too, but for those that are not set."""
    sections = plan.model_dump(mode="json", exclude_none=True)
    lines: list[str] = []
    for section, table in sections.items():
        if section in ("players", "judges"):
            for name, entry in table.items():
                sampling = _without_empty(entry["sampling"])
                lines += _table(f"{section}.{quoted(name)}", entry | {"sampling": sampling})
        else:
            lines += _table(section, table)
    return "\n".join(lines[1:]) + "\n"


def toml_literal(value: Any) -> str:
    """A JSON-like value as it stands behind the equals sign, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return basic_string(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{quoted(key)} = {toml_literal(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_literal, value))}]"
    return repr(value)


def _table(header: str, table: Mapping[str, Any]) -> Iterator[str]:
    """A blank line, the header and its pairs; then the stages of a flywheel, as tables of their own."""
    stages = table.get("stage", []) if header == "flywheel" else []
    yield from ("", f"[{header}]")
    yield from _pairs({key: value for key, value in table.items() if value is not stages})
    for stage in stages:
        yield from ("", f"[[{header}.stage]]")
        yield from _pairs(stage)


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in _without_empty(table).items():
        yield f"{quoted(key)} = {toml_literal(value)}"


def _without_empty(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value not in ([], {})}
