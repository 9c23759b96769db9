"""Prompts and the sets that they are members of."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine import keys
from engine.records import Conversation, Message, Prompt
from engine.store import texts
from engine.store.imports import hold_prompts
from engine.store.rows import decode, encode, ids_by_key, maybe, next_id, select_in, to_json
from engine.store.sqlite import Connection
from engine.store.store import Transaction


@dataclass(frozen=True, slots=True)
class LandedPrompt:
    """Where a prompt stands in the store.

    Attributes:
        prompt_id, key: of the prompt that the set has under the name.
        state: `new`; `filled` (the set knew the name only, and has the text now); `known` (the set had it just so, or
            nothing was said of its text); or `contradicts` (the set has another text under the name, and keeps it).
    """

    prompt_id: int
    key: str
    state: str


def prompt_key(prompt: Prompt) -> str:
    """The content key of a prompt; of its name where the text is unknown."""
    if prompt.conversation is None:
        return keys.named_prompt_key(prompt.set_name, prompt.name)
    return keys.prompt_key(prompt.conversation)


def land_set(tx: Transaction, name: str) -> int:
    """The number of a prompt set, made when it is new."""
    row = tx.connection.execute("SELECT id FROM prompt_sets WHERE name = ?", (encode(name),)).fetchone()
    if row:
        return int(row[0])
    cursor = tx.connection.execute(
        "INSERT INTO prompt_sets(name, created_at, import_id) VALUES (?, ?, ?)",
        (encode(name), time.time(), tx.import_id),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def land_prompts(tx: Transaction, prompts: Sequence[Prompt]) -> list[LandedPrompt]:
    """Store prompts of one set and their membership, in order."""
    if not prompts:
        return []
    set_id = land_set(tx, prompts[0].set_name)
    members = _members(tx.connection, set_id, [prompt.name for prompt in prompts])
    new: list[tuple[_Member, Prompt]] = []
    filled: list[tuple[_Member, Prompt]] = []
    found: list[tuple[_Member, str]] = []
    for prompt in prompts:
        member = members.get(prompt.name)
        if member is None:
            member = members[prompt.name] = _Member(0, prompt_key(prompt), _body_hash(prompt))
            new.append((member, prompt))
            found.append((member, "new"))
            continue
        state = member.compare(prompt)
        if state == "filled":
            member.body_hash = _body_hash(prompt)
            filled.append((member, prompt))
        found.append((member, state))
    _land_new(tx, set_id, new)
    _fill(tx, set_id, filled)
    known = [(member.id, p) for (member, state), p in zip(found, prompts, strict=True) if state == "known"]
    told = [number for number, prompt in known if prompt.conversation is not None]
    hold_prompts(tx, set_id, (prompt.name for _, prompt in known), told)
    return [LandedPrompt(member.id, member.key, state) for member, state in found]


@dataclass(slots=True)
class _Member:
    """What a set has under a name. `id` is 0 until it is stored; no hash where the text is unknown."""

    id: int
    key: str
    body_hash: bytes | None

    def compare(self, prompt: Prompt) -> str:
        """State of a prompt that comes under the name again."""
        if prompt.conversation is None:
            return "known"
        if self.body_hash is None:
            return "filled"
        return "known" if self.body_hash == _body_hash(prompt) else "contradicts"


def _land_new(tx: Transaction, set_id: int, new: Sequence[tuple[_Member, Prompt]]) -> None:
    """Store prompts and make them members, which get their numbers."""
    ids = _land_texts(tx, {member.key: prompt for member, prompt in new})
    for member, _ in new:
        member.id = ids[member.key]
    first = _next_position(tx.connection, set_id)
    tx.connection.executemany(
        "INSERT INTO prompt_set_items(set_id, name, position, prompt_id, category, difficulty, meta, import_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (set_id, encode(prompt.name), first + offset, member.id, *_said(prompt), tx.import_id)
            for offset, (member, prompt) in enumerate(new)
        ),
    )


def _fill(tx: Transaction, set_id: int, filled: Sequence[tuple[_Member, Prompt]]) -> None:
    """Give their texts to prompts that were known by name only. They keep that name's key, which others rest on."""
    bodies = {prompt.name: _body(prompt.conversation) for _, prompt in filled if prompt.conversation}
    numbers = texts.intern(tx.connection, bodies.values())
    tx.connection.executemany(
        "UPDATE prompts SET conversation = ?, open_turns = ?, filled_by = ? WHERE id = ?",
        (
            (numbers[bodies[prompt.name]], prompt.conversation.open_turns, tx.import_id, member.id)
            for member, prompt in filled
            if prompt.conversation is not None
        ),
    )
    tx.connection.executemany(
        "UPDATE prompt_set_items SET category = COALESCE(category, ?), difficulty = COALESCE(difficulty, ?),"
        " meta = COALESCE(meta, ?) WHERE set_id = ? AND name = ?",
        ((*_said(prompt), set_id, encode(prompt.name)) for _, prompt in filled),
    )


def _said(prompt: Prompt) -> tuple[Any, ...]:
    return maybe(prompt.category), prompt.difficulty, to_json(dict(prompt.meta)) if prompt.meta else None


def _land_texts(tx: Transaction, by_key: dict[str, Prompt]) -> dict[str, int]:
    ids = ids_by_key(tx.connection, "prompts", by_key)
    new = {key: prompt for key, prompt in by_key.items() if key not in ids}
    bodies = {
        key: _body(prompt.conversation) for key, prompt in new.items() if prompt.conversation is not None
    }
    numbers = texts.intern(tx.connection, bodies.values())
    first = next_id(tx.connection, "prompts")
    rows = [
        (
            first + offset,
            key,
            numbers[bodies[key]] if key in bodies else None,
            prompt.conversation.open_turns if prompt.conversation else 1,
            tx.import_id,
        )
        for offset, (key, prompt) in enumerate(new.items())
    ]
    tx.connection.executemany(
        "INSERT INTO prompts(id, key, conversation, open_turns, import_id) VALUES (?, ?, ?, ?, ?)", rows
    )
    return ids | {row[1]: row[0] for row in rows}


def _body_hash(prompt: Prompt) -> bytes | None:
    return None if prompt.conversation is None else texts.text_hash(_body(prompt.conversation))


def _body(conversation: Conversation) -> str:
    return keys.canonical(keys.conversation_json(conversation)).decode("ascii")


def _members(connection: Connection, set_id: int, names: Sequence[str]) -> dict[str, _Member]:
    query = (
        "SELECT i.name, p.id, p.key, t.hash FROM prompt_set_items i JOIN prompts p ON p.id = i.prompt_id"
        f" LEFT JOIN texts t ON t.id = p.conversation WHERE i.set_id = {set_id} AND i.name IN"
    )
    rows = select_in(connection, query, [encode(name) for name in dict.fromkeys(names)])
    return {decode(name): _Member(number, key, digest) for name, number, key, digest in rows}


def _next_position(connection: Connection, set_id: int) -> int:
    query = "SELECT COALESCE(MAX(position), -1) + 1 FROM prompt_set_items WHERE set_id = ?"
    return int(connection.execute(query, (set_id,)).fetchone()[0])


@dataclass(frozen=True, slots=True)
class StoredPrompt:
    """A prompt of a set as the store holds it."""

    id: int
    key: str
    prompt: Prompt


def read_set(connection: Connection, name: str) -> list[StoredPrompt]:
    """All prompts of a set, in its order; empty when there is no such set."""
    rows = connection.execute(
        """
        SELECT p.id, p.key, i.name, i.category, i.difficulty, i.meta, t.body
        FROM prompt_sets s JOIN prompt_set_items i ON i.set_id = s.id JOIN prompts p ON p.id = i.prompt_id
        LEFT JOIN texts t ON t.id = p.conversation
        WHERE s.name = ? ORDER BY i.position
        """,
        (encode(name),),
    )
    return [
        StoredPrompt(
            number,
            key,
            Prompt(
                decode(item),
                _conversation(body),
                name,
                decode(category),
                difficulty,
                json.loads(meta or "{}"),
            ),
        )
        for number, key, item, category, difficulty, meta, body in rows
    ]


class ListedPrompt(NamedTuple):
    """A prompt of a set without its text, so that a run may have very many.

    Attributes:
        split: as the set's file said it.
        open_turns: how many answers it asks for; 1 where its text is unknown.
    """

    id: int
    key: str
    name: str
    category: str | None
    split: str | None
    open_turns: int
    has_text: bool


def list_set(connection: Connection, name: str) -> Iterator[ListedPrompt]:
    """The prompts of a set, in its order; none when there is no such set."""
    rows = connection.execute(
        """
        SELECT p.id, p.key, i.name, i.category, i.meta, p.open_turns, p.conversation IS NOT NULL
        FROM prompt_sets s JOIN prompt_set_items i ON i.set_id = s.id JOIN prompts p ON p.id = i.prompt_id
        WHERE s.name = ? ORDER BY i.position
        """,
        (encode(name),),
    )
    shared: dict[str | None, str | None] = {}
    for number, key, item, said, meta, open_turns, has_text in rows:
        stated = json.loads(meta).get("split") if meta else None
        category, split = (
            shared.setdefault(text, text)
            for text in (decode(said), stated if isinstance(stated, str) else None)
        )
        yield ListedPrompt(number, key, decode(item), category, split, open_turns, bool(has_text))


def read_conversations(connection: Connection, prompts: Iterable[int]) -> dict[int, Conversation]:
    """The texts of prompts, by their numbers; without those whose text is unknown."""
    query = "SELECT p.id, t.body FROM prompts p JOIN texts t ON t.id = p.conversation WHERE p.id IN"
    rows = select_in(connection, query, list(dict.fromkeys(prompts)))
    return {number: _parsed(body) for number, body in rows}


def read_conversation(connection: Connection, prompt_id: int) -> Conversation | None:
    """The text of a prompt; None where it is unknown."""
    row = connection.execute(
        "SELECT t.body FROM prompts p JOIN texts t ON t.id = p.conversation WHERE p.id = ?", (prompt_id,)
    ).fetchone()
    return _conversation(row[0]) if row else None


def set_names(connection: Connection) -> list[tuple[str, int]]:
    """Every prompt set with its number of prompts."""
    rows: Iterable[tuple[Any, int]] = connection.execute(
        "SELECT s.name, COUNT(i.name) FROM prompt_sets s LEFT JOIN prompt_set_items i ON i.set_id = s.id"
        " GROUP BY s.id ORDER BY s.id"
    )
    return [(decode(name), count) for name, count in rows]


def _conversation(body: str | None) -> Conversation | None:
    return None if body is None else _parsed(body)


def _parsed(body: str) -> Conversation:
    return Conversation(tuple(Message(role, content) for role, content in json.loads(body)))
