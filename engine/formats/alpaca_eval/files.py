"""The files of AlpacaEval, told apart by their columns and read in an order in which each can lean on the ones before.

prompts        prompt_id, instruction, source                            table
responses      prompt_id, model, response                                table
verdicts       prompt_id, model_a, model_b, preference_b, judge          table
outputs        instruction, output, generator, dataset                   model_outputs.json
annotations    instruction, output_1/_2, generator_1/_2, preference      annotations.json
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import IntEnum
from pathlib import Path

from engine.errors import UsageError
from engine.formats.sources import TableFile

_SUFFIXES = (".parquet", ".json", ".jsonl", ".csv", ".tsv")
_PACKED = (".gz", ".zst")


class Kind(IntEnum):
    """What a file holds."""

    PROMPTS = 0
    OUTPUTS = 1
    RESPONSES = 2
    VERDICTS = 3
    ANNOTATIONS = 4


TELLING: dict[Kind, tuple[str, ...]] = {
    Kind.ANNOTATIONS: ("instruction", "output_1", "output_2", "preference"),
    Kind.OUTPUTS: ("instruction", "output"),
    Kind.VERDICTS: ("prompt_id", "model_a", "model_b", "preference_b"),
    Kind.RESPONSES: ("prompt_id", "model", "response"),
    Kind.PROMPTS: ("prompt_id", "instruction"),
}


class AlpacaFile(TableFile):
    """One file, of a kind that is known by its columns; None when it is not of AlpacaEval."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path
        self.first = self.first[:3]  # a folder of results has hundreds of files
        self.kind = kind_of(self.columns)


def kind_of(columns: Collection[str]) -> Kind | None:
    """The kind whose telling columns are all there."""
    return next((kind for kind, telling in TELLING.items() if set(telling) <= set(columns)), None)


def alpaca_files(paths: Sequence[Path]) -> tuple[list[AlpacaFile], list[str]]:
    """The files of AlpacaEval in folders and those that are named, in reading order, and the names of files of
    other kinds in the folders.

    Raises:
        UsageError: a named file is of no kind, or a folder has none of any.
    """
    files: dict[Path, AlpacaFile] = {}
    others: list[str] = []
    for path in paths:
        found = [AlpacaFile(file) for file in _tables_in(path)] if path.is_dir() else [AlpacaFile(path)]
        ours = [file for file in found if file.kind is not None]
        if not ours:
            raise _no_kind(path, found)
        files |= {file.path.absolute(): file for file in ours}
        others += [file.name for file in found if file.kind is None]
    return sorted(files.values(), key=_order), others


def _order(file: AlpacaFile) -> int:
    assert file.kind is not None
    return file.kind


def _tables_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_table(path)]


def _is_table(path: Path) -> bool:
    suffixes = path.suffixes[:-1] if path.suffix in _PACKED else path.suffixes
    return bool(suffixes) and suffixes[-1] in _SUFFIXES


def _no_kind(path: Path, found: Sequence[AlpacaFile]) -> UsageError:
    looked_for = [f"  {kind.name.lower()}: {', '.join(telling)}" for kind, telling in TELLING.items()]
    columns = f"  columns: {', '.join(found[0].columns) or 'none'}" if found else "  it has no tables"
    return UsageError(
        f"{path} holds nothing of AlpacaEval", "\n".join(("Looked for the columns", *looked_for, columns))
    )
