"""Which column of a file is which field of ours: found by known names, or said with `--map theirs=ours`.

On the left stands a column, a dotted path into one (`a.b.0.c`; a column of exactly that name goes first), or
`=VALUE` for a constant. On the right stands a field. A mapping file holds the same, in TOML or JSON:

    [columns]
    "meta.lang" = "category"
    "=crowd" = "judge"
    [values]
    left = "model_a"
    [options]
    where = "anony=true"
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.formats.jsons import loads, reason_of

_SECTIONS = ("columns", "values", "options")


@dataclass(frozen=True, slots=True)
class Field:
    """Something that an importer can use.

    Attributes:
        name: ours; a column of that name is always taken for it.
        aliases: other people's names for it, the likeliest first. Case does not matter.
        required: a file without it is not of this format.
    """

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Where each field of a record comes from.

    Attributes:
        plain: (field, column).
        paths: (field, steps into the record).
        constants: field -> value, the same for each record.
        ignored: columns that nothing is made of.
    """

    plain: tuple[tuple[str, str], ...]
    paths: tuple[tuple[str, tuple[str, ...]], ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def __contains__(self, name: str) -> bool:
        return name in self.constants or any(name == ours for ours, _ in (*self.plain, *self.paths))

    @property
    def mapping(self) -> dict[str, str]:
        """theirs -> ours, for people."""
        said = {theirs: ours for ours, theirs in self.plain}
        said |= {".".join(steps): ours for ours, steps in self.paths}
        return said | {f"={value}": ours for ours, value in self.constants.items()}

    def apply(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of one record. What the record does not hold is None."""
        row: dict[str, Any] = {ours: value.get(theirs) for ours, theirs in self.plain}
        for ours, steps in self.paths:
            row[ours] = at(value, steps)
        if self.constants:
            row.update(self.constants)
        return row


def at(value: Any, steps: Iterable[str]) -> Any:
    """What a dotted path leads to: keys of objects, positions of lists; None where it leads nowhere."""
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def resolve(fields: Sequence[Field], columns: Sequence[str], said: Mapping[str, str], file: str) -> ColumnMap:
    """Settle where each field comes from: what was said goes first, then known names.

    Args:
        said: theirs -> ours, from `--map` or a mapping file.

    Raises:
        UsageError: a field or column that does not exist, with the nearest one; a field that is said twice; a
            required field that no column is known for. All problems at once.
    """
    problems = _problems_of(said, [f.name for f in fields], columns)
    if problems:
        raise UsageError(f"the column mapping does not fit {file}", "\n".join(f"  {p}" for p in problems))
    constants = {ours: theirs[1:] for theirs, ours in said.items() if theirs.startswith("=")}
    taken = {ours: theirs for theirs, ours in said.items() if not theirs.startswith("=")}
    claimed = set(taken.values())
    for wanted in fields:
        if wanted.name not in taken and wanted.name not in constants:
            found = _known_column(wanted, columns, claimed)
            if found is not None:
                taken[wanted.name] = found
                claimed.add(found)
    _demand(fields, {*taken, *constants}, columns, file)
    used = {theirs if theirs in columns else theirs.partition(".")[0] for theirs in taken.values()}
    return ColumnMap(
        plain=tuple((ours, theirs) for ours, theirs in taken.items() if theirs in columns),
        paths=tuple(
            (ours, tuple(theirs.split("."))) for ours, theirs in taken.items() if theirs not in columns
        ),
        constants=constants,
        ignored=tuple(column for column in columns if column not in used),
    )


def _problems_of(said: Mapping[str, str], ours: Sequence[str], columns: Sequence[str]) -> list[str]:
    problems = []
    for theirs, name in said.items():
        if name not in ours:
            problems.append(f"{theirs}={name}: there is no field '{name}'{nearest(name, ours)}")
        column = theirs.partition(".")[0]
        if not theirs.startswith("=") and theirs not in columns and column not in columns:
            problems.append(f"{theirs}={name}: there is no column '{column}'{nearest(column, columns)}")
    names = list(said.values())
    problems += [
        f"the field '{name}' is mapped twice" for name in sorted(set(names)) if names.count(name) > 1
    ]
    return problems


def _known_column(wanted: Field, columns: Sequence[str], claimed: set[str]) -> str | None:
    free = [column for column in columns if column not in claimed]
    for name in (wanted.name, *wanted.aliases):
        if name in free:
            return name
        same = [column for column in free if column.casefold() == name.casefold()]
        if len(same) == 1:
            return same[0]
    return None


def _demand(fields: Sequence[Field], found: set[str], columns: Sequence[str], file: str) -> None:
    missing = [f for f in fields if f.required and f.name not in found]
    if not missing:
        return
    looked_for = [f"  {f.name}: looked for {', '.join(dict.fromkeys((f.name, *f.aliases)))}" for f in missing]
    raise UsageError(
        f"{file} has no column for {' and '.join(f.name for f in missing)}",
        "\n".join((*looked_for, f"  columns: {', '.join(columns) or 'none'}")),
        f"Say which column it is with --map COLUMN={missing[0].name}.",
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the known name that is spelled most like it; empty where none is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


@dataclass(frozen=True, slots=True)
class MappingFile:
    """A mapping that lives in a file: theirs -> ours, their values -> ours, and options of the format."""

    columns: Mapping[str, str]
    values: Mapping[str, str]
    options: Mapping[str, str]


def load_mapping(path: Path) -> MappingFile:
    """Read a mapping file, TOML or (by its name, `.json`) JSON.

    Raises:
        UsageError: it cannot be read; unknown sections and values that are no text, all at once.
    """
    document = _document(path)
    problems = [
        f"unknown section '{name}'{nearest(name, _SECTIONS)}" for name in document if name not in _SECTIONS
    ]
    sections: dict[str, dict[str, str]] = {}
    for name in _SECTIONS:
        section = document.get(name, {})
        if not isinstance(section, dict):
            problems.append(f"{name} is not a table")
            continue
        problems += [
            f"{name}.{key} is not text" for key, value in section.items() if not isinstance(value, str)
        ]
        sections[name] = section
    if problems:
        raise UsageError(f"{path} is no mapping", "\n".join(f"  {p}" for p in problems))
    return MappingFile(**sections)


def _document(path: Path) -> dict[str, Any]:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}", str(error)) from error
    try:
        document = loads(content) if path.suffix == ".json" else tomllib.loads(content)
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, tomllib.TOMLDecodeError) else reason_of(error)
        raise UsageError(f"{path} is no mapping", said) from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} is no mapping", "It is not an object.")
    return document
