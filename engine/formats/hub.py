"""`hf`: any set that the `datasets` library loads, from its hub or a local folder, streamed.

The only module that imports `datasets`. The records go through another format (`as`), which is found from their columns
where nobody says it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from engine.errors import MissingExtra, UsageError, UserError
from engine.formats.arena import ArenaImporter
from engine.formats.entry import Entry, Record
from engine.formats.importer import Names, RecordReader, TableImporter, choice
from engine.formats.join import JoinedSource, PromptTable
from engine.formats.oasst import OasstImporter
from engine.formats.preferences import PreferencesImporter
from engine.formats.prompts import PromptsImporter
from engine.formats.responses import ResponsesImporter
from engine.formats.rows import ImportOptions
from engine.formats.sharegpt import ShareGptImporter
from engine.formats.sources import Source

_TARGETS: Mapping[str, TableImporter] = {
    importer.name: importer
    for importer in (
        PromptsImporter(),
        ArenaImporter(),
        PreferencesImporter(),
        ShareGptImporter(),
        OasstImporter(),
        ResponsesImporter(),
    )
}
_FIRST_ROWS = 100
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
"""What the hub may call a set: NAME or OWNER/NAME."""


class HfImporter(TableImporter):
    """A set of the `datasets` library, read as one of our formats."""

    name: ClassVar[str] = "hf"
    summary: ClassVar[str] = "any set that `datasets` loads, from the hub or a folder, with a column mapping"
    options: ClassVar[Mapping[str, str]] = {
        "as": f"how its rows are read: {', '.join(_TARGETS)} (default: by its columns)",
        "config": "the set's configuration",
        "split": "the split; needed where there are several",
        "revision": "the set's revision on the hub",
    } | {name: what for target in _TARGETS.values() for name, what in target.options.items()}

    def sources(self, paths: Sequence[Path], options: ImportOptions) -> list[Source]:
        self._check_options(options)
        if not paths:
            raise UsageError("import hf needs the name of a set, or a folder")
        sets: list[Source] = [_opened(path, options) for path in paths]
        if options.prompts is None:
            return sets
        table = PromptTable.load(options.prompts, options.join)
        return [JoinedSource(source, table, first=index == 0) for index, source in enumerate(sets)]

    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        guessed = guess_format({*source.columns, *options.mapping.values()})
        others = (name for name in _TARGETS if name != guessed)
        return _TARGETS[choice(options, "as", (guessed, *others))].reader(source, options, names)


def guess_format(columns: Collection[str]) -> str:
    """The format that columns look like: `prompts` where they look like nothing else."""
    telling = (
        ("preferences", {"chosen", "rejected"}),
        ("arena", {"model_a", "model_b"}),
        ("arena", {"cmp_key"}),
        ("oasst", {"message_tree_id", "prompt"}),
        ("sharegpt", {"conversations"}),
        ("responses", {"model", "response"}),
    )
    return next((name for name, needed in telling if needed <= set(columns)), "prompts")


class DataSet:
    """One split of a set, as a source of records.

    Args:
        rows: can be iterated again and again.
    """

    def __init__(
        self, name: str, stem: str, rows: Iterable[dict[str, Any]], columns: Sequence[str] | None
    ) -> None:
        self.name = name
        self.stem = stem
        self._rows = rows
        first = [entry for entry in islice(self.entries(), _FIRST_ROWS) if isinstance(entry, Record)]
        self.first = tuple(first)
        self.columns = tuple(columns or dict.fromkeys(key for record in first for key in record.value))

    def entries(self) -> Iterator[Entry]:
        row = 0
        try:
            for value in self._rows:
                row += 1
                yield Record(self.name, row, value)
        except _reading_errors() as error:
            raise UserError(
                f"{self.name} cannot be read beyond row {row}",
                f"{type(error).__name__}: {error}",
                "What was read is kept; import it again and only the rest is added.",
            ) from error


def _opened(path: Path, options: ImportOptions) -> DataSet:
    """Load a set without downloading it whole.

    Raises:
        MissingExtra: `datasets` is not installed.
        UsageError: there is no such set, configuration or split.
    """
    if path.is_file():
        raise UsageError(
            f"{path} is a file", mend="Import it as what it is: import arena, prompts, preferences, ..."
        )
    if not path.is_dir() and not _HUB_NAME.fullmatch(str(path)):
        raise UsageError(f"there is no folder {path}", mend="A set of the hub is named NAME or OWNER/NAME.")
    splits = _splits(path, options)
    split = options.extra.get("split")
    if split is None and len(splits) > 1:
        raise UsageError(
            f"{path} has several splits", f"They are {', '.join(splits)}.", "Say which with split=NAME."
        )
    split = split or next(iter(splits))
    if split not in splits:
        raise UsageError(f"{path} has no split '{split}'", f"It has {', '.join(splits)}.")
    return DataSet(f"{path}:{split}", path.name, splits[split], splits[split].column_names)


def _splits(path: Path, options: ImportOptions) -> Mapping[str, Any]:
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra("the hf format", "train", "datasets") from error
    try:
        if _is_saved(path):
            saved = datasets.load_from_disk(str(path))
            return saved if isinstance(saved, Mapping) else {str(saved.split or "train"): saved}
        loaded: Mapping[str, Any] = datasets.load_dataset(
            str(path),
            name=options.extra.get("config"),
            revision=options.extra.get("revision"),
            streaming=True,
        )
    except _reading_errors() as error:
        raise UsageError(
            f"datasets cannot load {path}", f"{type(error).__name__}: {error}", _mend(path, error)
        ) from error
    return loaded


def _mend(path: Path, error: Exception) -> str:
    """What helps, by what went wrong."""
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.constants import is_offline_mode

    if path.is_dir():
        return "A folder holds CSV, JSON, JSONL or Parquet files, or what save_to_disk wrote."
    if isinstance(error, DatasetNotFoundError):
        return "Is the name right? A private or gated set also needs a token in HF_TOKEN, and its terms accepted."
    if isinstance(error, ValueError):
        return "A configuration is chosen with --option config=NAME, a revision with --option revision=NAME."
    elsewhere = (
        f"download it elsewhere (hf download {path} --repo-type dataset --local-dir FOLDER) and import FOLDER"
    )
    if is_offline_mode():
        return (
            f"HF_HUB_OFFLINE is set, and the set is not in the cache. Unset it to download, or {elsewhere}."
        )
    return (
        f"Is there a way to the network? If not, {elsewhere}. HF_HUB_OFFLINE=1 reads what is in the cache and does not"
        " try the network."
    )


def _is_saved(path: Path) -> bool:
    """Whether `save_to_disk` wrote the folder."""
    return (path / "state.json").is_file() or (path / "dataset_dict.json").is_file()


def _reading_errors() -> tuple[type[Exception], ...]:
    from datasets.exceptions import DatasetsError

    return (DatasetsError, OSError, ValueError, RuntimeError)
