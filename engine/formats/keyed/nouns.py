"""Prompts, players, judges, arenas and responses of an export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

from engine import keys
from engine.formats import fields
from engine.formats.entry import Record
from engine.formats.fields import FieldError
from engine.formats.identity import RowIds
from engine.formats.keyed import cells
from engine.formats.keyed.rows import KeyedArena, KeyedJudge, KeyedPlayer, KeyedResponse, Party, Place
from engine.formats.rows import FilledPrompt, Row
from engine.records import (
    Conversation,
    Message,
    OnCut,
    OutcomeRule,
    Prompt,
    Response,
    ResponseStatus,
    Role,
    Turn,
    VerdictKind,
)

_JUDGE_KINDS = {*VerdictKind, "recorded"}


def prompt_reader() -> Callable[[Record], Sequence[Row]]:
    """Reads members of prompt sets, each once."""
    ids = RowIds()

    def read(record: Record) -> Sequence[Row]:
        found = _prompt(record)
        prompt = found.prompt if isinstance(found, FilledPrompt) else found
        ids.claim((prompt.set_name, prompt.name), (prompt.conversation, prompt.category, prompt.difficulty))
        return (found,)

    return read


def _prompt(record: Record) -> Prompt | FilledPrompt:
    """A member of a prompt set; its text may be unknown.

    Raises:
        FieldError: its key does not follow from its text, nor from its name.
    """
    row = record.value
    name, set_name = cells.text(row, "question_id"), cells.text(row, "prompt_set")
    said = cells.nested(row, "messages")
    prompt = Prompt(
        name,
        None if said is None else _conversation(said),
        set_name,
        cells.maybe_text(row, "category"),
        cells.maybe_number(row, "difficulty"),
        cells.maybe_facts(row, "meta") or {},
    )
    key = cells.key(row, "prompt_key", keys.PROMPT)
    if prompt.conversation is not None and key == keys.prompt_key(prompt.conversation):
        return prompt
    if key != keys.named_prompt_key(set_name, name):
        raise FieldError("prompt_key does not follow from its text")
    return prompt if prompt.conversation is None else FilledPrompt(prompt)


def _conversation(said: Any) -> Conversation:
    """Messages with their roles; those that are open have no content."""
    if not isinstance(said, list) or not all(isinstance(message, dict) for message in said):
        raise FieldError("messages is no list of objects")
    if any(message.get("role") not in get_args(Role) for message in said):
        raise FieldError("messages has an unknown role")
    try:
        return Conversation(tuple(Message(m["role"], cells.maybe_text(m, "content")) for m in said))
    except ValueError as error:
        raise FieldError("messages has no turn to be answered, or another than the assistant's") from error


def read_player(record: Record) -> Sequence[KeyedPlayer]:
    """A player."""
    row = record.value
    player = KeyedPlayer(
        fields.model_name(row.get("player"), "player"),
        cells.key(row, "player_key", keys.PLAYER),
        fields.model_name(row.get("model"), "model"),
        cells.plain(row, "kind"),
        cells.facts(row, "facts"),
        None if row.get("template_hash") is None else cells.plain(row, "template_hash"),
        cells.maybe_facts(row, "sampling"),
        cells.maybe_text(row, "path"),
        cells.maybe_text(row, "alias_of"),
        record.line,
        record.file,
    )
    return (player,)


def read_judge(record: Record) -> Sequence[KeyedJudge]:
    """A judge."""
    row = record.value
    name = fields.model_name(row.get("judge"), "judge")
    key = cells.key(row, "judge_key", keys.JUDGE)
    kind = cells.plain(row, "kind")
    if kind not in _JUDGE_KINDS:
        raise FieldError("unknown kind")
    return (KeyedJudge(name, key, kind, cells.facts(row, "facts"), record.line, record.file),)


def read_arena(record: Record) -> Sequence[KeyedArena]:
    """An arena with its rules."""
    row = record.value
    rules = cells.word(row, "outcome_rule", OutcomeRule), cells.word(row, "on_cut", OnCut)
    ratings = cells.maybe_facts(row, "ratings")
    return (
        KeyedArena(fields.model_name(row.get("arena"), "arena"), *rules, ratings, record.line, record.file),
    )


def read_response(record: Record) -> Sequence[KeyedResponse]:
    """A response with all its turns."""
    row = record.value
    response = Response(
        cells.word(row, "status", ResponseStatus),
        tuple(_turn(turn) for turn in _turns(row)),
        cells.whole(row, "sample"),
        cells.maybe_text(row, "error"),
    )
    player = Party(cells.text(row, "model"), cells.key(row, "player_key", keys.PLAYER))
    key = cells.key(row, "response_key", keys.RESPONSE)
    return (
        KeyedResponse(
            key, place_of(row), player, response, cells.whole(row, "tries"), record.line, record.file
        ),
    )


def place_of(row: cells.Cells) -> Place:
    """The prompt that a row is about."""
    key = cells.key(row, "prompt_key", keys.PROMPT)
    return Place(cells.maybe_text(row, "prompt_set"), cells.text(row, "question_id"), key)


def _turns(row: cells.Cells) -> list[dict[str, Any]]:
    said = cells.nested(row, "turns")
    if not isinstance(said, list) or not all(isinstance(turn, dict) for turn in said):
        raise FieldError("turns is no list of objects")
    return said


def _turn(said: cells.Cells) -> Turn:
    return Turn(
        cells.text(said, "answer"),
        cells.maybe_text(said, "thinking"),
        cells.maybe_text(said, "finish_reason"),
        cells.maybe_whole(said, "tokens_in"),
        cells.maybe_whole(said, "tokens_out"),
        cells.maybe_number(said, "latency_ms"),
    )
