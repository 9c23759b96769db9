"""`kind` and `options` of a plan, before the plug-ins that they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from engine.errors import UserError
from engine.plan.findings import Finding, nearest
from engine.plan.keypath import KeyPath
from engine.plan.secrets import secret_places
from engine.plan.shape import shape_findings
from engine.plugins import OURS, Group, find, listing, load

_GROUPS = (("players", Group.PLAYERS), ("judges", Group.JUDGES))
STAGES = ("sft", "dpo", "reward", "ppo", "grpo", "external")
"""Kinds of stages that a plan may name whether or not this version has them."""


def option_findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Load every plug-in that the plan names and let it check its options. What has no shape is passed over.

    Raises:
        UsageError: arena-tui is not installed, so that no plug-in can be found.
    """
    for section, group in _GROUPS:
        entries = data.get(section)
        if isinstance(entries, Mapping):
            for name, entry in entries.items():
                yield from _entry(group, (), (section, name), entry)
    flywheel = data.get("flywheel")
    stages = flywheel.get("stage") if isinstance(flywheel, Mapping) else ()
    for place, stage in enumerate(stages if isinstance(stages, list) else ()):
        yield from _entry(Group.STAGES, STAGES, ("flywheel", "stage", place), stage)


def _entry(group: Group, reserved: tuple[str, ...], path: KeyPath, entry: Any) -> Iterator[Finding]:
    kind = entry.get("kind") if isinstance(entry, Mapping) else None
    if not isinstance(kind, str) or not kind:
        return
    installed = listing(group).names
    if kind in installed:
        yield from _plugin(group, kind, path, entry.get("options", {}))
    elif kind not in reserved:
        known = (*installed, *reserved)
        message = f"no such kind of {group.noun} is installed: expected {', '.join(known)}"
        yield Finding((*path, "kind"), message, nearest(kind, known))


def _plugin(group: Group, kind: str, path: KeyPath, options: Any) -> Iterator[Finding]:
    try:
        model = getattr(load(group, kind), "Options", None)
    except UserError as error:
        yield Finding((*path, "kind"), str(error).replace("\n", " "))
        return
    path = (*path, "options")
    if not isinstance(options, dict) or any(secret_places(options)):
        return
    if model is None:
        if options:
            yield Finding(path, f"the {group.noun} '{kind}' takes no options")
        return
    try:
        findings = _checked(model, options)
    except Exception as error:
        if find(group, kind).package == OURS:
            raise
        findings = [Finding((), f"the {group.noun} '{kind}' failed to check them: {type(error).__name__}")]
    yield from (Finding((*path, *found.path), found.message, found.nearest) for found in findings)


def _checked(model: type[BaseModel], options: dict[str, Any]) -> list[Finding]:
    known = model.model_fields
    try:
        model.model_validate(options)
    except ValidationError as error:
        return list(
            shape_findings(
                error,
                options,
                nearest_key=lambda place: nearest(str(place[-1]), known) if len(place) == 1 else None,
                describe=lambda place: (known[str(place[0])].description or "") if len(place) == 1 else "",
            )
        )
    return []
