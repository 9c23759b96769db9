"""One thing that is wrong at one place of a plan, before it is known which file and line that is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from engine.plan.keypath import KeyPath, spell


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake at `path`; see `engine.errors.Problem` for `message` and `nearest`."""

    path: KeyPath
    message: str
    nearest: str | None = None

    def __str__(self) -> str:
        return f"{spell(self.path)}: {self.message}"


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known word that is spelled most like this one; case does not matter. None when none is near.

    Args:
        likeness: least `difflib` ratio, 0 to 1, of what is near.
    """
    by_folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=likeness)
    return by_folded[found[0]] if found else None
