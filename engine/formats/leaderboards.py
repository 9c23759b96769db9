"""Leaderboard files: a table of names, ratings and bounds, whatever it calls them."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.errors import UsageError

_KNOWN: dict[str, tuple[str, ...]] = {
    "model": ("model", "model_name", "name", "player", "key"),
    "rating": ("rating", "elo", "arena_elo", "score", "win_rate", "avg", "mean"),
    "lower": ("lower", "rating_lower", "rating_q025", "q025", "low", "ci_lower"),
    "upper": ("upper", "rating_upper", "rating_q975", "q975", "high", "ci_upper"),
    "plus": ("plus", "arena_plus"),
    "minus": ("minus", "arena_minus"),
}


@dataclass(frozen=True, slots=True)
class LeaderboardFile:
    """The rows of a leaderboard file that have a rating.

    Attributes:
        lower, upper: None where the file gives no bound.
        columns: which of its columns were taken for what.
        left_out: models without a rating.
    """

    models: tuple[str, ...]
    rating: tuple[float, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    columns: Mapping[str, str]
    left_out: tuple[str, ...]


def read_leaderboard(
    path: Path, columns: Mapping[str, str] | None = None, option: str = "--columns"
) -> LeaderboardFile:
    """Read CSV, a JSON list of objects, or our own `leaderboard --json`.

    Args:
        columns: ours (model, rating, lower, upper, plus, minus) to theirs; the rest is found by usual names. `plus`
            and `minus` are distances from the rating.
        option: where `columns` can be said, for errors.

    Raises:
        UsageError: no such file, no such column, a model that stands twice, or not a single rating.
    """
    rows = _rows(path)
    found = _columns(path, list(rows[0]) if rows else [], dict(columns or {}), option)
    ratings: dict[str, tuple[float, float | None, float | None]] = {}
    left_out = []
    for row in rows:
        model = str(row[found["model"]])
        rating = _number(row.get(found["rating"]))
        if model in ratings:
            raise UsageError(f"{path}: '{model}' stands twice", mend="Keep one row a model.")
        if rating is None:
            left_out.append(model)
        else:
            ratings[model] = (rating, *_bounds(row, found, rating))
    if not ratings:
        raise UsageError(f"{path} has no rating in its column '{found['rating']}'")
    rating_, lower, upper = zip(*ratings.values(), strict=True)
    return LeaderboardFile(tuple(ratings), rating_, lower, upper, found, tuple(left_out))


def parse_columns(said: str | None) -> dict[str, str]:
    """`model=name,rating=elo` as ours to theirs.

    Raises:
        UsageError: it is no list of OURS=THEIRS.
    """
    pairs: dict[str, str] = {}
    for part in (said or "").split(","):
        if not part:
            continue
        ours, mark, theirs = part.partition("=")
        if not mark or ours.strip() not in _KNOWN:
            near = get_close_matches(ours.strip(), _KNOWN, n=1)
            raise UsageError(
                f"'{part}' names no column",
                f"Write OURS=THEIRS; ours are {', '.join(_KNOWN)}.",
                f"Did you mean '{near[0]}'?" if near else "",
            )
        pairs[ours.strip()] = theirs.strip()
    return pairs


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8", str(error)) from error
    if text.lstrip()[:1] in ("[", "{"):
        return _json_rows(path, text)
    return list(csv.DictReader(text.splitlines()))


def _json_rows(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: not JSON", error.msg) from error
    rows = value["models"] if isinstance(value, dict) and isinstance(value.get("models"), list) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(
            f"{path} is no list of rows", "Expected a list of objects, or what leaderboard --json prints."
        )
    return rows


def _columns(path: Path, theirs: Sequence[str], said: dict[str, str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for ours, usual in _KNOWN.items():
        wanted = said.get(ours)
        if wanted is not None and wanted not in theirs:
            raise UsageError(f"{path} has no column '{wanted}'", f"It has: {', '.join(theirs)}.")
        column = wanted or next((name for name in usual if name in theirs), None)
        if column is not None:
            found[ours] = column
    for needed in ("model", "rating"):
        if needed not in found:
            raise UsageError(
                f"no column of {path} is the {needed}",
                f"It has: {', '.join(theirs) or 'none'}.",
                f"Name it with {option} {needed}=THEIRS.",
            )
    return found


def _bounds(
    row: Mapping[str, Any], found: Mapping[str, str], rating: float
) -> tuple[float | None, float | None]:
    def of(ours: str) -> float | None:
        return _number(row.get(found[ours])) if ours in found else None

    plus, minus = of("plus"), of("minus")
    lower = rating - abs(minus) if minus is not None else of("lower")
    upper = rating + plus if plus is not None else of("upper")
    return lower, upper


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
