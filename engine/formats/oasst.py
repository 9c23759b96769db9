"""`oasst`: message trees of OpenAssistant, one a line.

Each message of a person is a prompt, with the path to it given. Where people ranked the answers to it, each two of them
are a battle that the better ranked one won, as in `preferences`: `chosen` is a, `rejected` b.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

from engine.formats import fields
from engine.formats.dialogues import turns_of
from engine.formats.entry import Record, refuse
from engine.formats.fields import FieldError
from engine.formats.games import HUMAN, game
from engine.formats.identity import RowIds
from engine.formats.importer import Names, RecordReader, TableImporter, choice
from engine.formats.mapping import ColumnMap, Field, resolve
from engine.formats.preferences import CHOSEN, REJECTED
from engine.formats.rows import BattleRow, ImportOptions, PromptRef, Row, SetAside
from engine.formats.sources import Source
from engine.records import Conversation, Message, Prompt

_FIELDS = (
    Field("tree_id", ("message_tree_id",)),
    Field("prompt", required=True),
    Field("category"),
)


class OasstImporter(TableImporter):
    """`{message_tree_id, prompt: {message_id, text, role, rank, replies: [...]}}`."""

    name: ClassVar[str] = "oasst"
    summary: ClassVar[str] = "OpenAssistant message trees: prompts, and ranked answers as preference pairs"
    options: ClassVar[Mapping[str, str]] = {
        "prompts": "`all` messages of people (the default), or only the `root` of each tree"
    }

    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        columns = resolve(_FIELDS, source.columns, options.mapping, source.name)
        only_roots = choice(options, "prompts", ("all", "root")) == "root"
        return TreeReader(columns, names.set_name, options.judge or HUMAN, only_roots)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A message of a person, and the conversation that it ends."""

    node: dict[str, Any]
    path: tuple[Message, ...]


class TreeReader:
    """Reads one file of trees."""

    layout = "OpenAssistant trees"

    def __init__(self, columns: ColumnMap, set_name: str, judge: str, only_roots: bool) -> None:
        self.columns = columns
        self.judge: str | None = judge
        self._judge = judge
        self._set_name = set_name
        self._only_roots = only_roots
        self._ids = RowIds()

    def rows(self, record: Record) -> Sequence[Row]:
        """Prompts and pairs of one tree; messages in it that cannot be used are set aside one by one.

        Raises:
            FieldError: it is no tree, its root cannot be used, or its id has been met.
        """
        row = self.columns.apply(record.value)
        root = _Asked(_node(row["prompt"]), (_message(_node(row["prompt"]), "user"),))
        category = fields.optional_identifier(row.get("category"), "category")
        tree_id = fields.optional_identifier(row.get("tree_id"), "message_tree_id")
        if tree_id is not None:
            self._ids.claim(tree_id, repr(row["prompt"]))
        return list(self._walk(root, category, record))

    def _walk(self, root: _Asked, category: str | None, record: Record) -> Iterator[Row]:
        waiting = [root]
        while waiting:
            asked = waiting.pop()
            try:
                answers = list(_replies(asked.node, "assistant"))
                name = fields.identifier(asked.node.get("message_id"), "message_id")
                yield Prompt(
                    name, Conversation((*asked.path, Message("assistant", None))), self._set_name, category
                )
                yield from self._pairs(name, answers, category, record)
                yield from _unusable(asked.node, "assistant", record)
            except FieldError as error:
                yield _set_aside(asked.node, str(error), record)
                continue
            if self._only_roots:
                continue
            for answer in reversed(answers):
                path = (*asked.path, _message(answer, "assistant"))
                waiting += [
                    _Asked(n, (*path, _message(n, "user"))) for n in reversed(list(_replies(answer, "user")))
                ]
                yield from _unusable(answer, "user", record)

    def _pairs(
        self, prompt: str, answers: Sequence[dict[str, Any]], category: str | None, record: Record
    ) -> Iterator[BattleRow]:
        ranked = [(_rank(answer), answer) for answer in answers if answer.get("rank") is not None]
        ranked.sort(key=lambda pair: pair[0])
        for (rank, better), (other_rank, worse) in combinations(ranked, 2):
            if rank == other_rank:
                continue  # equally good: no preference
            ids = [fields.identifier(node.get("message_id"), "message_id") for node in (better, worse)]
            yield BattleRow(
                prompt=PromptRef(self._set_name, prompt),
                model_a=CHOSEN,
                model_b=REJECTED,
                games=game("model_a"),
                judge=self._judge,
                response_a=turns_of((better["text"],)),
                response_b=turns_of((worse["text"],)),
                source_id=">".join(ids),
                category=category,
                line=record.line,
                file=record.file,
            )


def _node(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FieldError("a message is not an object")
    return value


def _message(node: Mapping[str, Any], role: str) -> Message:
    """A message of the tree, whose role has to be that one.

    Raises:
        FieldError: another role, no text, or deleted.
    """
    said = node.get("role")
    if not isinstance(said, str) or fields.ROLES.get(said) != role:
        raise FieldError(f"a message has not the role {role}")
    if node.get("deleted") is True:
        raise FieldError("deleted message")
    return Message(fields.ROLES[said], fields.text(node.get("text"), "text"))


def _children(node: Mapping[str, Any]) -> list[Any]:
    replies = node.get("replies") or []
    if not isinstance(replies, list):
        raise FieldError("replies is not a list")
    return replies


def _replies(node: Mapping[str, Any], role: str) -> Iterator[dict[str, Any]]:
    """The usable answers to a message, in order."""
    for child in _children(node):
        try:
            _message(_node(child), role)
        except FieldError:
            continue  # `_unusable` tells of it
        yield child


def _unusable(node: Mapping[str, Any], role: str, record: Record) -> Iterator[SetAside]:
    """The answers to a message that cannot be used."""
    for child in _children(node):
        try:
            _message(_node(child), role)
        except FieldError as error:
            yield _set_aside(child, str(error), record)


def _set_aside(node: Any, reason: str, record: Record) -> SetAside:
    value = node if isinstance(node, dict) else {"message": node}
    return refuse(Record(record.file, record.line, value), reason)


def _rank(node: Mapping[str, Any]) -> float:
    return fields.number(node.get("rank"), "rank")
