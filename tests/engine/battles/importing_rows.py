"""Neutral rows for tests of importing, and whole stores to compare."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from engine.battles.importing import ImportReport, import_rows
from engine.formats.rows import BattleRow, ImportOptions, Layout, PromptRef, ResponseRow, Row, SingleRow
from engine.records import (
    Conversation,
    Game,
    Prompt,
    ResponseStatus,
    Turn,
    Verdict,
    VerdictKind,
    VerdictStatus,
)
from engine.store import Store

SET, ARENA = "questions", "votes"
LAYOUT = Layout("test rows", {}, ARENA, SET)


def bring(store: Store, rows: Iterable[Row], source: str = "file.csv", **options: Any) -> ImportReport:
    """Import rows as if they came from a file of that name."""
    return import_rows(store, "test", [Path(source)], rows, LAYOUT, ImportOptions(), **options)


def game(winner: str = "first", swapped: bool = False) -> Game:
    return Game(swapped, Verdict(VerdictKind.WINNER, VerdictStatus.OK, winner))


def scores(first: float, second: float, swapped: bool = False, **said: Any) -> Game:
    return Game(swapped, Verdict(VerdictKind.SCORES, VerdictStatus.OK, (first, second), **said))


def invalid(swapped: bool = False) -> Game:
    return Game(swapped, Verdict(VerdictKind.SCORES, VerdictStatus.UNPARSABLE, reason="no score", raw="hm"))


def battle(
    a: str = "ann", b: str = "bob", *games: Game, prompt: Prompt | PromptRef | str = "q1", **facts: Any
) -> BattleRow:
    about = PromptRef(SET, prompt) if isinstance(prompt, str) else prompt
    return BattleRow(about, a, b, games or (game(),), facts.pop("judge", "human"), **facts)


def response(model: str, text: str, prompt: str = "q1", **facts: Any) -> ResponseRow:
    return ResponseRow(PromptRef(SET, prompt), model, (Turn(text),), **facts)


def prompt(name: str, text: str, **facts: Any) -> Prompt:
    return Prompt(name, Conversation.of(text), SET, **facts)


def dump(store: Store, *without: str) -> dict[str, list[Any]]:
    """Everything in a store but its own marks (imports, secret), when it was written, and who wrote it."""
    connection = store.reader
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    skipped = {"meta", "imports", "import_holds", "set_aside", "_sqlite_migrations", *without}
    return {table: _rows(connection, table) for table in tables if table not in skipped}


def _rows(connection: Any, table: str) -> list[Any]:
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    kept = [name for name in names if name not in ("created_at", "landed_at", "import_id", "filled_by")]
    return sorted(connection.execute(f"SELECT {', '.join(kept)} FROM {table}").fetchall(), key=repr)


# Rows of any kind, few names so that they meet.

NAMES = st.sampled_from(["ann", "bob", "cid", "\ud800", "a\0b", "=1+1"])
PROMPTS = st.sampled_from(["q1", "q2", "q3"])
TEXTS = st.sampled_from(["yes", "no", "", "\udfff\0"])
GAMES = st.one_of(
    st.sampled_from([game("first"), game("second"), game("tie"), invalid()]).map(lambda one: (one,)),
    st.builds(lambda a, b: (scores(a, b),), st.integers(1, 10), st.integers(1, 10)),
    st.builds(
        lambda a, b, c, d: (scores(a, b), scores(c, d, swapped=True)),
        *[st.integers(1, 10) for _ in range(4)],
    ),
    st.builds(
        lambda p: (Game(False, Verdict(VerdictKind.PREFERENCE, VerdictStatus.OK, p)),), st.floats(0, 1)
    ),
)
OPTIONAL_TURNS = st.none() | TEXTS.map(lambda text: (Turn(text),))
BATTLES = st.builds(
    lambda a, b, games, name, **facts: battle(a, b, *games, prompt=name, **facts),
    a=NAMES,
    b=NAMES,
    games=GAMES,
    name=PROMPTS,
    judge=st.sampled_from(["human", "llm"]),
    response_a=OPTIONAL_TURNS,
    response_b=OPTIONAL_TURNS,
    source_id=st.none() | st.sampled_from(["1", "2", "3"]),
    category=st.sampled_from([None, "maths"]),
    occurred_at=st.none() | st.floats(0, 1e9),
    turn=st.none() | st.just(1),
    round=st.none() | st.just(2),
    arena=st.sampled_from([None, "other"]),
)
RESPONSES = st.builds(
    lambda model, text, name, status: response(model, text, name, status=status),
    NAMES,
    TEXTS,
    PROMPTS,
    st.sampled_from(ResponseStatus),
)
SINGLES = st.builds(
    lambda name, model, value, source: SingleRow(
        PromptRef(SET, name), model, Verdict(VerdictKind.SINGLE, VerdictStatus.OK, value), "human", source
    ),
    PROMPTS,
    NAMES,
    st.sampled_from([1.0, 5.5]),
    st.none() | st.sampled_from(["s1", "s2"]),
)
WHOLE = st.builds(
    lambda name, text: prompt(name, f"{name}: {text}"), PROMPTS, st.sampled_from(["one?", "two?"])
)
ROWS = st.lists(st.one_of(BATTLES, BATTLES, RESPONSES, SINGLES, WHOLE), max_size=20)
