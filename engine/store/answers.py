"""Answers as texts, for whoever looks at what a player's have in common: read in chunks, so that memory is bounded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from engine.store.rows import decode, select_in
from engine.store.sqlite import Connection

CHUNK = 500
"""Answers that are held at a time."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A response that says something, with what it answers.

    Attributes:
        prompt: all words of the prompt; empty where its text is unknown.
        question: the last user message of it.
        turns: the answers, one an open turn.
        body: numbers of these texts: equal answers have equal ones.
    """

    response_id: int
    player_id: int
    prompt_id: int
    prompt: str
    question: str
    turns: tuple[str, ...]
    body: tuple[int, ...]

    @property
    def text(self) -> str:
        """All turns as one text."""
        return "\n".join(self.turns)

    @property
    def bare(self) -> StoredAnswer:
        """The same without its texts, for whoever keeps many."""
        return replace(self, prompt="", question="", turns=())


def answering(connection: Connection, player_id: int, most: int | None = None) -> list[int]:
    """Numbers of a player's responses that are neither failed nor empty, in the order of their keys.

    Keys are hashes, so the first `most` are a random sample, and the same one whenever it is drawn.
    """
    rows = connection.execute(
        "SELECT id FROM responses WHERE player_id = ? AND status NOT IN ('failed', 'empty') ORDER BY key LIMIT ?",
        (player_id, -1 if most is None else most),
    )
    return [number for (number,) in rows]


def answering_players(connection: Connection) -> dict[int, str]:
    """Names of the players that have responses, by number."""
    rows = connection.execute(
        "SELECT id, name FROM players p WHERE EXISTS (SELECT 1 FROM responses r WHERE r.player_id = p.id) ORDER BY id"
    )
    return {number: decode(name) for number, name in rows}


def players_of(connection: Connection, response_ids: Iterable[int]) -> dict[int, list[int]]:
    """The responses that are neither failed nor empty, by player."""
    found: dict[int, list[int]] = {}
    query = "SELECT id, player_id FROM responses WHERE status NOT IN ('failed', 'empty') AND id IN"  # of any player
    for number, player_id in select_in(connection, query, list(response_ids)):
        found.setdefault(player_id, []).append(number)
    return found


def read_answers(connection: Connection, response_ids: Sequence[int]) -> Iterator[StoredAnswer]:
    """These responses with their texts."""
    for start in range(0, len(response_ids), CHUNK):
        chunk = response_ids[start : start + CHUNK]
        rows = dict(_rows(connection, chunk))
        turns = _turns(connection, chunk)
        prompts = _prompts(connection, {prompt_id for _, prompt_id in rows.values()})
        for number in chunk:
            said = turns.get(number, [])
            if number in rows and said:
                player_id, prompt_id = rows[number]
                texts = tuple(text for _, text in said)
                body = tuple(text_id for text_id, _ in said)
                prompt, question = prompts.get(prompt_id, ("", ""))
                yield StoredAnswer(number, player_id, prompt_id, prompt, question, texts, body)


def _rows(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[int, tuple[int, int]]]:
    query = "SELECT id, player_id, prompt_id FROM responses WHERE id IN"
    for number, player_id, prompt_id in select_in(connection, query, ids):
        yield number, (player_id, prompt_id)


def _turns(connection: Connection, ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    query = (
        "SELECT r.response_id, r.turn, t.id, t.body FROM response_turns r JOIN texts t ON t.id = r.answer"
        " WHERE r.response_id IN"
    )
    found: dict[int, list[tuple[int, str]]] = {}
    for number, _, text_id, body in sorted(select_in(connection, query, ids), key=lambda row: row[:2]):
        found.setdefault(number, []).append((text_id, decode(body)))
    return found


def _prompts(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """(all words, last user message) of the prompts whose text is known."""
    query = "SELECT p.id, t.body FROM prompts p JOIN texts t ON t.id = p.conversation WHERE p.id IN"
    found = {}
    for number, body in select_in(connection, query, list(ids)):
        said = [(role, content) for role, content in json.loads(body) if content is not None]
        asked = [content for role, content in said if role == "user"]
        found[number] = "\n".join(content for _, content in said), asked[-1] if asked else ""
    return found
