"""The plans that come with the program, in data/plans."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ShippedPlan:
    """A plan that a name stands for. `summary` is the first comment line of its file."""

    name: str
    summary: str
    path: Path


def list_shipped() -> tuple[ShippedPlan, ...]:
    """All shipped plans by name."""
    folder = Path(str(files("data") / "plans"))
    return tuple(ShippedPlan(path.stem, _summary(path), path) for path in sorted(folder.glob("*.toml")))


def _summary(path: Path) -> str:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""
