"""What an import would do, from its files alone: what the store has already is not looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.battles.import_deciding import judged_row
from engine.battles.import_report import AsideGroup, AsideTally
from engine.formats.keyed.rows import (
    KeyedArena,
    KeyedBattle,
    KeyedJudge,
    KeyedPlayer,
    KeyedResponse,
    KeyedVerdict,
    Place,
)
from engine.formats.rows import (
    BattleRow,
    FilledPrompt,
    Layout,
    PromptRef,
    ResponseRow,
    Row,
    SetAside,
    SingleRow,
)
from engine.records import Conversation, Outcome, OutcomeRule, Prompt, Turn

HEAD = 200
"""Characters of a text that are shown."""

MOST_HEADS = 50_000
"""Prompts whose beginnings are kept for rows that name them: some ten megabytes."""

KINDS = ("battles", "scores", "verdicts", "responses", "prompts")
"""What a file is read for, most telling first: of several kinds of rows the first of these are shown."""

_WINNERS = {Outcome.A: "model_a", Outcome.B: "model_b", Outcome.TIE: "tie"}


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an import would do.

    Attributes:
        rows: how many there are, by kind: battles, scores, responses, prompts, and what else an export holds.
        kind: the kind of the rows in `first`; None where there are none.
        first: the first of them as they would land, by field; texts cut to their beginning, with a mark.
    """

    layout: Layout
    rows: Mapping[str, int]
    kind: str | None
    first: tuple[Mapping[str, Any], ...]
    set_aside: tuple[AsideGroup, ...]


def preview_rows(
    rows: Iterable[Row], layout: Layout, rule: OutcomeRule = OutcomeRule.MEAN_MARGIN, first: int = 3
) -> ImportPreview:
    """Go through all rows without a store: counts by kind, the first few, and what would be set aside.

    Args:
        rule: how games make an outcome, in an arena that is new.
    """
    counts: Counter[str] = Counter()
    shown: dict[str, list[Row]] = {}
    heads = _Heads()
    aside = AsideTally()
    for row in rows:
        if isinstance(row, SetAside):
            aside.add(row)
            continue
        heads.note(row)
        kind = _kind(row)
        counts[kind] += 1
        if counts[kind] <= first:
            shown.setdefault(kind, []).append(row)
    chosen = next((kind for kind in (*KINDS, *shown) if kind in shown), None)
    facts = [_facts(row, heads, rule) for row in shown.get(chosen or "", ())]
    return ImportPreview(layout, dict(counts), chosen, tuple(facts), aside.groups())


def head(text: str) -> str:
    """The beginning of a text in one line."""
    line = " ".join(text[: 4 * HEAD].split())
    return line if len(line) <= HEAD and len(text) <= 4 * HEAD else f"{line[: HEAD - 1]}…"


@dataclass(slots=True)
class _Heads:
    """How prompts begin, for rows that only name them."""

    known: dict[PromptRef, str] = field(default_factory=dict)

    def note(self, row: Row) -> None:
        prompt = row.prompt if isinstance(row, FilledPrompt) else row
        if isinstance(prompt, Prompt) and prompt.conversation and len(self.known) < MOST_HEADS:
            self.known[PromptRef(prompt.set_name, prompt.name)] = _asked(prompt.conversation)

    def of(self, prompt: Prompt | PromptRef) -> str | None:
        if isinstance(prompt, PromptRef):
            return self.known.get(prompt)
        return None if prompt.conversation is None else _asked(prompt.conversation)

    def at(self, place: Place) -> str | None:
        return self.known.get(PromptRef(place.set_name or "", place.name))


def _asked(conversation: Conversation) -> str:
    """What the user says first."""
    said = (message.content for message in conversation.messages if message.role == "user")
    return head(next(said, None) or "")


def _kind(row: Row) -> str:
    return _ROWS[type(row)].kind


def _facts(row: Row, heads: _Heads, rule: OutcomeRule) -> dict[str, Any]:
    return _ROWS[type(row)].read(row, heads, rule)


def _battle(row: BattleRow, heads: _Heads, rule: OutcomeRule) -> dict[str, Any]:
    decision = judged_row(rule, row)
    return {
        "model_a": row.model_a,
        "model_b": row.model_b,
        "winner": None if decision.outcome is None else _WINNERS[decision.outcome],
        "state": decision.state.value,
        "reason": decision.reason,
        "margin": decision.margin,
        "games": len(row.games),
        "judge": row.judge,
        "category": row.category,
        "turn": row.turn,
        "question_id": row.prompt.name,
        "prompt": heads.of(row.prompt),
    }


def _score(row: SingleRow, heads: _Heads, rule: OutcomeRule) -> dict[str, Any]:
    return {
        "model": row.model,
        "score": row.verdict.value,
        "status": row.verdict.status.value,
        "judge": row.judge,
        "turn": row.verdict.turn,
        "question_id": row.prompt.name,
        "prompt": heads.of(row.prompt),
    }


def _response(row: ResponseRow, heads: _Heads, rule: OutcomeRule) -> dict[str, Any]:
    return {
        "model": row.model,
        "status": row.status.value,
        "response": _answer(row.turns),
        "question_id": row.prompt.name,
        "prompt": heads.of(row.prompt),
    }


def _answer(turns: tuple[Turn, ...]) -> str | None:
    return head(turns[0].answer) if turns else None


def _prompt(row: Prompt | FilledPrompt, heads: _Heads, rule: OutcomeRule) -> dict[str, Any]:
    prompt = row.prompt if isinstance(row, FilledPrompt) else row
    turns = prompt.conversation.messages if prompt.conversation else ()
    return {
        "question_id": prompt.name,
        "category": prompt.category,
        "difficulty": prompt.difficulty,
        "turns": sum(message.role == "user" for message in turns),
        "prompt": heads.of(prompt),
    }


def _keyed_battle(row: KeyedBattle, heads: _Heads, rule: OutcomeRule) -> dict[str, Any]:
    return {
        "model_a": row.a.name,
        "model_b": row.b.name,
        "winner": None if row.outcome is None else _WINNERS[row.outcome],
        "state": row.state.value,
        "reason": row.reason,
        "margin": row.margin,
        "games": row.n_games,
        "judge": row.judge.name,
        "category": row.category,
        "turn": row.turn,
        "question_id": row.prompt.name,
        "prompt": heads.at(row.prompt),
    }


def _keyed_response(row: KeyedResponse, heads: _Heads, rule: OutcomeRule) -> dict[str, Any]:
    return {
        "model": row.player.name,
        "status": row.response.status.value,
        "response": _answer(row.response.turns),
        "question_id": row.prompt.name,
        "prompt": heads.at(row.prompt),
    }


def _keyed_verdict(row: KeyedVerdict, heads: _Heads, rule: OutcomeRule) -> dict[str, Any]:
    return {
        "model_first": row.first.name,
        "model_second": None if row.second is None else row.second.name,
        "value": row.verdict.value,
        "status": row.verdict.status.value,
        "judge": row.judge.name,
        "turn": row.verdict.turn,
        "question_id": row.prompt.name,
        "prompt": heads.at(row.prompt),
    }


def _named(row: KeyedPlayer | KeyedJudge | KeyedArena, heads: _Heads, rule: OutcomeRule) -> dict[str, Any]:
    return {"name": row.name}


class _Kind(NamedTuple):
    """What rows of a type are called, and how one is read."""

    kind: str
    read: Callable[[Any, _Heads, OutcomeRule], dict[str, Any]]


_ROWS: Mapping[type, _Kind] = {
    BattleRow: _Kind("battles", _battle),
    KeyedBattle: _Kind("battles", _keyed_battle),
    SingleRow: _Kind("scores", _score),
    ResponseRow: _Kind("responses", _response),
    KeyedResponse: _Kind("responses", _keyed_response),
    KeyedVerdict: _Kind("verdicts", _keyed_verdict),
    KeyedPlayer: _Kind("players", _named),
    KeyedJudge: _Kind("judges", _named),
    KeyedArena: _Kind("arenas", _named),
    Prompt: _Kind("prompts", _prompt),
    FilledPrompt: _Kind("prompts", _prompt),
}
