"""The door for plug-ins: players, judges, formats and stages, found by entry points.

Our own come through the same door as those of other packages. Listing names reads metadata and imports
nothing; naming one imports that one. A broken package is a warning in a list and an error when it is named.

A plug-in is what its entry point names: for players and judges a class with `from_plan`, for stages one with `run`
(`engine.training.running.Stage`), for selections one with `order` (`engine.flywheel.selection.strategy.Strategy`). It
may have an attribute `Options`, a pydantic model class of the `options` that a plan may give it; None takes none.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any

from engine.errors import PluginError, UsageError, UserError

OURS = "arena-tui"


class Group(StrEnum):
    """The kinds of plug-ins; the value is the name of the entry-point group."""

    PLAYERS = "arena_tui.players"
    JUDGES = "arena_tui.judges"
    FORMATS = "arena_tui.formats"
    STAGES = "arena_tui.stages"
    SELECTIONS = "arena_tui.selections"

    @property
    def noun(self) -> str:
        return self.value.removeprefix("arena_tui.").removesuffix("s")


_NEEDS = {
    Group.PLAYERS: "from_plan",
    Group.JUDGES: "from_plan",
    Group.STAGES: "run",
    Group.SELECTIONS: "order",
}


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plug-in as its package announces it, not yet imported.

    Attributes:
        target: what is imported, such as `engine.players.http:HttpPlayer`.
        package, version: the distribution that brings it.
    """

    group: Group
    name: str
    target: str
    package: str
    version: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What is installed of one group, sorted by name, and what is wrong with the rest of it."""

    plugins: tuple[Plugin, ...]
    warnings: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(plugin.name for plugin in self.plugins))


def listing(group: Group) -> Listing:
    """All plug-ins of a group, read from metadata alone.

    A name of ours that another package claims too stays ours, with a warning. Where two others claim one name
    both are listed, with a warning, and naming it is an error.

    Raises:
        UsageError: arena-tui itself is not installed, so that not even our own can be found.
    """
    found: list[_Announcement] = []
    warnings = []
    for distribution in distributions():
        try:
            found += _announcements(group, distribution)
        except (TypeError, ValueError, LookupError, OSError) as error:
            warnings.append(f"the entry points of an installed package cannot be read: {error}")
    announced: dict[str, tuple[Plugin, ...]] = {}
    for announcement in sorted(found, key=lambda a: a.is_left_over):
        announced.setdefault(announcement.package, announcement.plugins)
    if OURS not in announced:
        raise UsageError(
            "arena-tui is not installed, so its players and judges cannot be found",
            "They are found by the entry points that an installation writes.",
            "In the folder of arena-tui: pip install -e .",
        )
    kept, doubles = _settled([plugin for plugins in announced.values() for plugin in plugins])
    return Listing(kept, (*warnings, *doubles))


def names(group: Group) -> tuple[str, ...]:
    """The names of a group's plug-ins, sorted. Imports nothing."""
    return listing(group).names


def find(group: Group, name: str) -> Plugin:
    """The plug-in of that name. Imports nothing.

    Raises:
        UsageError: there is none; with the nearest name.
        PluginError: several packages offer it.
    """
    known = listing(group)
    found = [plugin for plugin in known.plugins if plugin.name == name]
    if not found:
        raise _unknown(group, name, known.names)
    if len(found) > 1:
        packages = " and ".join(plugin.package for plugin in found)
        raise PluginError(
            f"the {group.noun} '{name}' is offered by several packages",
            f"Both {packages} register it.",
            "Uninstall one of them.",
        )
    return found[0]


def load(group: Group, name: str) -> Any:
    """Import the plug-in of that name and give what its entry point names.

    Raises:
        UsageError: there is none of that name.
        PluginError: a stranger's cannot be imported, or is not what its group needs; with package and reason.
    """
    plugin = find(group, name)
    try:
        loaded = EntryPoint(name=plugin.name, value=plugin.target, group=group.value).load()
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        if plugin.package == OURS:
            raise  # our own mistake shows its traceback
        raise _broken(plugin, f"{type(error).__name__}: {error}") from error
    needed = _NEEDS.get(group)
    if needed and not callable(getattr(loaded, needed, None)):
        raise _broken(plugin, f"{plugin.target} has no '{needed}'.")
    return loaded


@dataclass(frozen=True, slots=True)
class _Announcement:
    """What one package brings of a group.

    `is_left_over`: no installer wrote it. A build leaves such metadata beside the source, where they grow old.
    """

    package: str
    plugins: tuple[Plugin, ...]
    is_left_over: bool


def _announcements(group: Group, distribution: Distribution) -> list[_Announcement]:
    """What a package has for us, if anything; most are passed over by a look at the text."""
    if "[arena_tui." not in (distribution.read_text("entry_points.txt") or ""):
        return []
    package = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
    plugins = tuple(
        Plugin(group, entry.name, entry.value, package, distribution.version)
        for entry in distribution.entry_points
        if entry.group == group.value
    )
    return [_Announcement(package, plugins, distribution.read_text("INSTALLER") is None)]


def _settled(announced: list[Plugin]) -> tuple[tuple[Plugin, ...], list[str]]:
    """Those that count, sorted by name, and a warning for each name that a second package claims."""
    by_name: dict[str, list[Plugin]] = {}
    for plugin in sorted(announced, key=lambda p: (p.name, p.package != OURS, p.package)):
        by_name.setdefault(plugin.name, []).append(plugin)
    kept: list[Plugin] = []
    warnings = []
    for name, (first, *others) in by_name.items():
        ours = first.package == OURS
        kept += [first] if ours else [first, *others]
        what = "arena-tui's own is used" if ours else "naming it is an error"
        warnings += [
            f"{first.package} and {other.package} both offer the {first.group.noun} '{name}': {what}"
            for other in others
        ]
    return tuple(kept), warnings


def _unknown(group: Group, name: str, known: tuple[str, ...]) -> UsageError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = (
        f"Did you mean '{near[0]}'?" if near else _HINTS.get(group, "If a package brings it, install that.")
    )
    return UsageError(f"there is no {group.noun} '{name}'", f"Known: {', '.join(known) or 'none'}.", hint)


_HINTS = {Group.FORMATS: "What each of them reads: arena-tui imports formats"}


def _broken(plugin: Plugin, reason: str) -> PluginError:
    return PluginError(
        f"the {plugin.group.noun} '{plugin.name}' of the package {plugin.package} {plugin.version} is broken",
        reason,
        f"Update or uninstall {plugin.package}; arena-tui itself is not at fault.",
    )
