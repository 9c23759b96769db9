"""Which table of our own export a file is, by its columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from engine.formats.entry import Record
from engine.formats.importer import choice
from engine.formats.mapping import ColumnMap
from engine.formats.rows import ImportOptions, Row
from engine.formats.sources import Source

KEYS_OPTION = {
    "keys": "of files that export wrote: `follow` their content keys (the default), or `ignore` them and go by names"
}

_TELLING = {
    "games": ("verdict_key", "battle_key", "judge_key", "player_key_a", "player_key_first", "n_games"),
    "battles": ("battle_key", "judge_key", "player_key_a", "player_key_b", "verdict_keys"),
    "verdicts": ("verdict_key", "judge_key", "player_key_first", "player_key_second", "try"),
    "responses": ("response_key", "player_key", "prompt_key", "turns"),
    "players": ("player_key", "player", "facts", "sampling"),
    "judges": ("judge_key", "judge", "facts"),
    "arenas": ("arena", "outcome_rule", "on_cut", "ratings"),
    "prompts": ("prompt_key", "question_id", "prompt_set", "messages"),
    "models": ("model", "identity", "facts", "template_hash"),
    "ratings": ("arena", "judge", "parameters", "models"),
    "selections": ("selection_key", "target", "training_rows"),
    "jobs": ("digest", "state", "limits", "plan"),
    "attempts": ("job_id", "worker_id", "lease_until"),
    "events": ("at", "kind", "level", "job_id", "facts"),
}


def table_of(columns: Collection[str]) -> str | None:
    """The table that has these columns; None where it is none of ours."""
    known = set(columns)
    return next((table for table, telling in _TELLING.items() if known.issuperset(telling)), None)


def follows_keys(options: ImportOptions) -> bool:
    """Whether content keys of our own exports are followed.

    Raises:
        UsageError: the option `keys` says another word than it can.
    """
    return choice(options, "keys", ("follow", "ignore")) == "follow"


def is_keyed(table: str, columns: Collection[str], options: ImportOptions) -> bool:
    """Whether a file is to be read as that table of our own export: a person who maps columns reads it otherwise.

    Raises:
        UsageError: the option `keys` says another word than it can.
    """
    return (
        follows_keys(options)
        and not options.mapping
        and options.prompts is None
        and table_of(columns) == table
    )


def judge_of(source: Source) -> str | None:
    """The judge of the first row, for people."""
    said = source.first[0].value.get("judge") if source.first else None
    return said if isinstance(said, str) else None


def said_arena(source: Source) -> str | None:
    """What battles are put in that say no arena: one called as the file is. None where the rows name theirs."""
    named = any(record.value.get("arena") not in (None, "") for record in source.first)
    return None if named else source.stem


class KeyedReader:
    """Reads the records of one such file. It satisfies `importer.RecordReader`."""

    def __init__(
        self,
        table: str,
        columns: Collection[str],
        read: Callable[[Record], Sequence[Row]],
        judge: str | None = None,
    ) -> None:
        self.layout = f"{table} of an export, with their keys"
        self.columns = ColumnMap(tuple((name, name) for name in columns))
        self.judge = judge
        self._read = read

    def rows(self, record: Record) -> Sequence[Row]:
        """What one record becomes.

        Raises:
            FieldError: a cell is not what the table has there.
        """
        return self._read(record)
