"""The importer of battle logs: finds the layout of each file and reads it in its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from engine.formats import fields
from engine.formats.arena import layouts
from engine.formats.arena.layouts import BattleLayout, find_layout, with_categories
from engine.formats.arena.pandalm import PandaLmReader
from engine.formats.arena.reading import (
    BattleReader,
    Fields,
    Reading,
    one_hot_winner,
    read_conversations,
    read_json_texts,
    read_reference,
    read_texts,
)
from engine.formats.entry import Record
from engine.formats.games import HUMAN
from engine.formats.importer import Names, RecordReader, TableImporter, choice
from engine.formats.keyed.judged import battle_reader
from engine.formats.keyed.tables import KEYS_OPTION, KeyedReader, follows_keys, is_keyed, judge_of, said_arena
from engine.formats.mapping import ColumnMap, resolve
from engine.formats.rows import ImportOptions, Layout
from engine.formats.sources import Source


class ArenaImporter(TableImporter):
    """Battle logs: Chatbot Arena conversations, Kaggle votes, llmfao votes, PandaLM labels, and plain tables."""

    name = "arena"
    summary = (
        "battle logs: model_a, model_b, winner, in the layouts of Chatbot Arena, Kaggle, llmfao and PandaLM"
    )
    options: ClassVar[Mapping[str, str]] = {
        "annotators": "PandaLM: `each` person is a judge (the default), or their `majority` is one",
        **KEYS_OPTION,
    }

    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        layout = find_layout({*source.columns, *options.mapping.values()})
        wanted = with_categories(layout.fields, source.first, joined=options.prompts is not None)
        columns = resolve(wanted, source.columns, options.mapping, source.name)
        annotators = choice(options, "annotators", ("each", "majority"))
        if layout is layouts.PANDALM:
            recorded = "result" in columns
            judge = options.judge or (source.stem if recorded else "majority")
            return PandaLmReader(columns, judge, annotators, names.set_name)
        reader = BattleReader(
            layout=_in_words(layout, source, columns),
            columns=columns,
            judge=options.judge or _default_judge(layout, source, columns),
            set_name=names.set_name,
            stem=source.stem,
            read_winner=_winner_of(layout, options),
            read_content=_content_of(layout, source, columns),
            own_prompts=layout in (layouts.KAGGLE, layouts.CONVERSATIONS),
            votes=layout in (layouts.LLMFAO, layouts.PLAIN),
            arena=options.arena,
            by_keys=follows_keys(options),
        )
        if not is_keyed("battles", source.columns, options):
            return reader
        read = battle_reader(options.arena, reader.battle)
        return KeyedReader("battles", source.columns, read, judge_of(source))

    def layout_of(self, sources: Sequence[Source], options: ImportOptions) -> Layout:
        layout = super().layout_of(sources, options)
        return replace(layout, arena=options.arena or said_arena(sources[0]))


def _default_judge(layout: BattleLayout, source: Source, columns: ColumnMap) -> str:
    """People where people voted; else the file's name, so that two judges' files are never mixed by accident."""
    return HUMAN if layout.voted or "voter" in columns else source.stem


def _winner_of(layout: BattleLayout, options: ImportOptions) -> partial[fields.Winner]:
    if layout is layouts.KAGGLE:
        return partial(one_hot_winner)
    return partial(_said_winner, values=options.values)


def _said_winner(row: Fields, values: Mapping[str, str]) -> fields.Winner:
    """By the words of battle logs, else by the winner's own name."""
    try:
        return fields.winner(row["winner"], values)
    except fields.FieldError:
        named = [side for side in ("model_a", "model_b") if row["winner"] == row[side]]
        if len(named) != 1:
            raise
        return "model_a" if named == ["model_a"] else "model_b"


def _content_of(layout: BattleLayout, source: Source, columns: ColumnMap) -> Reading:
    if layout is layouts.CONVERSATIONS:
        return read_conversations
    if layout is layouts.KAGGLE and _texts_are_json(source.first, columns):
        return read_json_texts
    holds_text = any(name in columns for name in ("prompt", "response_a", "response_b"))
    return read_texts if holds_text else read_reference


def _in_words(layout: BattleLayout, source: Source, columns: ColumnMap) -> str:
    as_json = layout is layouts.KAGGLE and _texts_are_json(source.first, columns)
    return f"{layout.name}, turns as JSON lists" if as_json else layout.name


def _texts_are_json(first: Sequence[Record], columns: ColumnMap) -> bool:
    """Whether all texts of the first rows are JSON lists, as in Kaggle's own file; plain text else."""
    rows = [columns.apply(record.value) for record in first]
    texts = [row.get(name) for row in rows for name in ("prompt", "response_a", "response_b")]
    return bool(texts) and all(fields.is_json_list(value) for value in texts)
