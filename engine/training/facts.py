"""What a stage tells while it trains: one JSON object a line, appended, read by whoever follows it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Facts:
    """Appends facts to `metrics.jsonl`. Every line is whole, and on its way to the disk, when `tell` returns."""

    def __init__(self, path: Path | None) -> None:
        """Args:
        path: None tells nobody, as every process but the first does.
        """
        self._path = path
        if path is not None:
            end_torn_line(path)

    def tell(self, event: str, **facts: Any) -> None:
        """Append one fact. What is no finite number becomes null: JSON has no NaN."""
        if self._path is None:
            return
        line = json.dumps({"event": event, "time": time.time(), **_finite(facts)}, allow_nan=False)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


class Tail:
    """Reads the facts that have come since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def new(self) -> list[dict[str, Any]]:
        """Whole lines only; a line that a killed process left torn is passed over."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._at)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._at += len(whole)
        return [fact for line in whole.splitlines() if (fact := _fact(line)) is not None]


def end_torn_line(path: Path) -> None:
    """Begin a new line where a process died while it wrote."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb+") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _fact(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
