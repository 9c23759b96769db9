"""One row of a battle log as a battle: what all layouts share, and what each does its own way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args

from engine import keys
from engine.formats import fields
from engine.formats.dialogues import open_all, turns_of
from engine.formats.entry import Record
from engine.formats.fields import FieldError, Winner
from engine.formats.file_marks import FileMarks
from engine.formats.games import game
from engine.formats.identity import PromptNames, RowIds
from engine.formats.mapping import ColumnMap
from engine.formats.rows import BattleRow, PromptRef, Row
from engine.records import Conversation, Game, OnCut, OutcomeRule, Prompt, Turn

Fields = Mapping[str, Any]
# FastChat names each voter of the arena so; they are people, not judges of their own.
_ARENA_USER = re.compile(r"arena_user_")


_WINNERS: tuple[Winner, ...] = get_args(Winner)
_GAMES = {winner: game(winner) for winner in _WINNERS}
_NO_KEYS = (None, None, None)


@dataclass(frozen=True, slots=True)
class Content:
    """What a battle was about.

    Attributes:
        conversation: None where the text is unknown.
        name, set_name: the prompt's id in the row, and its set; None where it has none.
        answers_a, answers_b: one text a turn; None where they are unknown.
    """

    name: str | None
    set_name: str | None = None
    conversation: Conversation | None = None
    answers_a: tuple[str, ...] | None = None
    answers_b: tuple[str, ...] | None = None


Reading = Callable[[Fields], Content]


class BattleReader:
    """Reads the rows of one battle log.

    Args:
        layout: in words.
        judge: its name where a row has none.
        read_winner, read_content: the layout's own way.
        stem: of the file; rows that say nothing of their prompt are told apart by it, the file's mark and their line.
        own_prompts: each row brings its own prompt, named by the row's id.
        votes: several people may vote under one id.
        arena: what a person calls it, whatever the rows say; None leaves it to them.
        by_keys: whether keys of judges and players are followed where rows have them.
    """

    def __init__(
        self,
        *,
        layout: str,
        columns: ColumnMap,
        judge: str,
        set_name: str,
        stem: str,
        read_winner: Callable[[Fields], Winner],
        read_content: Reading,
        own_prompts: bool = False,
        votes: bool = False,
        arena: str | None = None,
        by_keys: bool = True,
    ) -> None:
        self.layout = layout
        self.columns = columns
        self.judge: str | None = judge
        self._default_judge = judge
        self._set_name = set_name
        self._stem = stem
        self._read_winner = read_winner
        self._read_content = read_content
        self._own_prompts = own_prompts
        self._votes = votes
        self._arena = arena
        self._by_keys = by_keys
        self._ids = RowIds()
        self._marks = FileMarks()
        self._prompts = PromptNames(set_name)

    def rows(self, record: Record) -> Sequence[Row]:
        """The battle of a row, after its prompt where that is new.

        Raises:
            FieldError: it cannot be used.
        """
        row = self.columns.apply(record.value)
        model_a = fields.model_name(row["model_a"], "model_a")
        model_b = fields.model_name(row["model_b"], "model_b")
        winner = None if _is_unsettled(row) else self._read_winner(row)
        explanation = fields.optional_text(row.get("explanation"), "explanation")
        judge, voter = self._judge_and_voter(row)
        category = fields.optional_identifier(row.get("category"), "category")
        occurred_at = fields.optional_seconds(row.get("occurred_at"), "occurred_at")
        round_number = None if row.get("round") in (None, "") else fields.whole(row["round"], "round")
        arena = self._arena or fields.optional_text(row.get("arena"), "arena")
        margin = fields.optional_number(row.get("margin"), "margin")
        content = self._read_content(row)
        source_id = self._claimed_id(
            row, voter, (model_a, model_b, winner, judge, category, occurred_at, content)
        )
        prompts, prompt = self._prompt(content, source_id, category, record)
        battle = BattleRow(
            prompt=prompt,
            model_a=model_a,
            model_b=model_b,
            games=_games(winner, explanation),
            judge=judge,
            response_a=_turns(content.answers_a),
            response_b=_turns(content.answers_b),
            source_id=source_id,
            category=category,
            occurred_at=occurred_at,
            turn=None if row.get("turn") in (None, "") else fields.whole(row["turn"], "turn", low=1),
            round=round_number,
            arena=arena,
            margin=margin,
            rules=None if self._arena else _rules(row),
            keys=_keys(row) if self._by_keys else _NO_KEYS,
            meta=_meta(row, voter),
            line=record.line,
            file=record.file,
        )
        return (*prompts, battle)

    def battle(self, record: Record) -> BattleRow:
        """The battle of a row that holds no prompt.

        Raises:
            FieldError: it cannot be used.
        """
        *_, battle = self.rows(record)
        assert isinstance(battle, BattleRow)
        return battle

    def _judge_and_voter(self, row: Fields) -> tuple[str, str | None]:
        judge = fields.optional_text(row.get("judge"), "judge")
        voter = fields.optional_identifier(row.get("voter"), "voter")
        if judge is not None and _ARENA_USER.match(judge):
            return self._default_judge, voter or judge
        return judge or self._default_judge, voter

    def _claimed_id(self, row: Fields, voter: str | None, content: tuple[Any, ...]) -> str | None:
        source_id = fields.optional_identifier(row.get("source_id"), "id")
        if source_id is None:
            return None
        if self._votes and voter is not None:
            source_id = f"{source_id}/{voter}"
        arena = self._arena or row.get("arena")  # one battle may stand in several
        self._ids.claim((arena, source_id), content)
        return source_id

    def _prompt(
        self, content: Content, source_id: str | None, category: str | None, record: Record
    ) -> tuple[list[Prompt], Prompt | PromptRef]:
        conversation = content.conversation
        if conversation is not None and self._own_prompts:
            name = source_id or keys.prompt_key(conversation)
            return [], Prompt(name, conversation, self._set_name, category)
        if conversation is not None:
            name = content.name or keys.prompt_key(conversation)
            return self._prompts.introduce(name, conversation, category, content.set_name)
        if content.name is not None:
            return [], self._prompts.refer(content.name, content.set_name)
        return [], PromptRef(self._set_name, f"{self._stem}{self._nameless(source_id, record)}")

    def _nameless(self, source_id: str | None, record: Record) -> str:
        """What tells a row's prompt from others when it says nothing of it."""
        return f"#{source_id}" if source_id else f"-{self._marks.of(record.file)}#{record.line}"


def _is_unsettled(row: Fields) -> bool:
    """Whether a row of our own export says that its battle has no winner: it waits, or counts for nothing."""
    return row.get("state") in ("void", "waiting") and row.get("winner") in (None, "")


def _games(winner: Winner | None, explanation: str | None) -> tuple[Game, ...]:
    if winner is None:
        return ()
    return _GAMES[winner] if explanation is None else game(winner, explanation)


def _meta(row: Fields, voter: str | None) -> dict[str, Any]:
    """What else the row says of the vote: who gave it, and which kind of tie it was."""
    meta = {} if voter is None else {"voter": voter}
    said = row.get("winner")
    if isinstance(said, str) and "bad" in said:
        meta["winner"] = said
    return meta


def _rules(row: Fields) -> tuple[OutcomeRule, OnCut] | None:
    """The rules of the arena that a row is in, as our own export has them.

    Raises:
        FieldError: there are none of that name.
    """
    rule, on_cut = (fields.optional_text(row.get(name), name) for name in ("outcome_rule", "on_cut"))
    if rule is None or on_cut is None:
        return None
    try:
        return OutcomeRule(rule), OnCut(on_cut)
    except ValueError as error:
        raise FieldError("unknown rules of its arena") from error


def _keys(row: Fields) -> tuple[str | None, str | None, str | None]:
    """Whom our own export means, (judge, a, b)."""
    judge, a, b = (
        fields.optional_text(row.get(name), name) for name in ("judge_key", "player_key_a", "player_key_b")
    )
    return judge, a, b


def _turns(answers: tuple[str, ...] | None) -> tuple[Turn, ...] | None:
    return None if answers is None else turns_of(answers)


def one_hot_winner(row: Fields) -> Winner:
    """Kaggle's three columns, exactly one of which is 1.

    Raises:
        FieldError: none or several are.
    """
    said = {name: row.get(f"winner_{name}") for name in _WINNERS}
    marks = {
        name: fields.whole(int(v) if isinstance(v, bool) else v, f"winner_{name}") for name, v in said.items()
    }
    if sorted(marks.values()) != [0, 0, 1]:
        raise FieldError("not exactly one winner")
    return next(name for name, mark in marks.items() if mark)


def read_conversations(row: Fields) -> Content:
    """Two conversations with the same user turns; the models answered each turn themselves.

    Raises:
        FieldError: they are no conversations, or their user turns differ.
    """
    asked_a, answers_a = open_all(fields.messages(row["conversation_a"], "conversation_a"), "conversation_a")
    asked_b, answers_b = open_all(fields.messages(row["conversation_b"], "conversation_b"), "conversation_b")
    if asked_a != asked_b:
        raise FieldError("the conversations differ in more than answers")
    return Content(None, None, asked_a, answers_a, answers_b)


def read_reference(row: Fields) -> Content:
    """The prompt's id alone, or not even that."""
    name = fields.optional_identifier(row.get("prompt_id"), "prompt_id")
    return Content(name, fields.optional_text(row.get("set_name"), "set_name"))


def read_texts(row: Fields) -> Content:
    """Prompt and responses as texts, or lists of texts, one a turn; each may be unknown.

    Raises:
        FieldError: they are no texts, or have not the prompt's number of turns.
    """
    named = read_reference(row)
    asked = _optional_turns(row, "prompt")
    answers_a, answers_b = _optional_turns(row, "response_a"), _optional_turns(row, "response_b")
    for field, answers in (("response_a", answers_a), ("response_b", answers_b)):
        if asked is not None and answers is not None and len(answers) != len(asked):
            raise FieldError(f"{field} has not one text for each turn of the prompt")
    conversation = None if asked is None else _conversation(*asked)
    return Content(named.name, named.set_name, conversation, answers_a, answers_b)


def read_json_texts(row: Fields) -> Content:
    """As `read_texts`, each text being JSON: a list with one string a turn, as in Kaggle's own file.

    Raises:
        FieldError: it is no JSON, or a turn is null.
    """
    texts = {name: fields.json_turns(row.get(name), name) for name in ("prompt", "response_a", "response_b")}
    return read_texts({**row, **texts})


# Joined prompts come again and again; few are kept, as they may be long.
_conversation = lru_cache(maxsize=256)(Conversation.of)


def _optional_turns(row: Fields, field: str) -> tuple[str, ...] | None:
    value = row.get(field)
    return None if fields.missing(value) else fields.turns(value, field)
