"""The door for ways of choosing training data: entry points of the group `arena_tui.selections`.

A strategy orders what the prompts offer; caps and the number of rows then take from the front. `battles` is the
method; the others are what it is compared with, and later ones (IFD, INSTAG) enter by the same door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from engine.errors import UsageError
from engine.plugin_options import PluginOptions, read_options
from engine.plugins import Group, load


@dataclass(frozen=True, slots=True)
class Offer:
    """What a strategy sees of a candidate.

    Attributes:
        key: content key of its prompt; of all offers each has its own.
        gap: None where the target did not lose, or none was measured.
        text: all words of the prompt; empty unless the strategy reads prompts.
    """

    key: str
    category: str | None
    gap: float | None
    text: str = ""


class Strategy(Protocol):
    """A class with these; it is never instantiated.

    Attributes:
        Options: its own typed options; None where it has none.
        by_gap: whether it chooses by the gap: then only prompts with one of at least K are offered to it.
        reads_prompts: whether offers carry the words of their prompts.
    """

    Options: ClassVar[type[PluginOptions] | None]
    by_gap: ClassVar[bool]
    reads_prompts: ClassVar[bool]

    @staticmethod
    def order(offers: Sequence[Offer], options: Any, random_state: int) -> Sequence[int]:
        """Places of the offers in the order in which they are to be taken; those left away are not taken.

        It must depend on the offers, not on their order, and on nothing else but the seed.
        """
        ...


def find_strategy(name: str, options: Mapping[str, Any]) -> tuple[type[Strategy], Any]:
    """A strategy by its name, with its options read.

    Raises:
        UsageError: there is none of that name, or it has no such options.
        PluginError: a stranger's is broken.
    """
    found: type[Strategy] = load(Group.SELECTIONS, name)
    if found.Options is None:
        if options:
            raise UsageError(f"the selection '{name}' takes no options", f"Given: {', '.join(options)}.")
        return found, None
    return found, read_options(found.Options, Group.SELECTIONS, name, options)
