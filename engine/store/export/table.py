"""What a table that is exported is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.store.export.names import Names
from engine.store.sqlite import Connection

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is exported.

    Attributes:
        columns: name -> kind.
        order: selects the numbers of its rows in the order of export; `{where}` stands for what filters leave.
        read: reads a group of rows by number, in any order, as (number, row).
        filters: name of a filter -> condition with one `?`.
    """

    columns: dict[str, str]
    order: str
    read: Callable[[Connection, Names, Sequence[int]], Iterable[tuple[int, Row]]]
    filters: dict[str, str] = field(default_factory=dict)


def from_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)
