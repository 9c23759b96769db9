"""Ratings as they were stored, and who worked: jobs, attempts, events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.store.export.names import Names
from engine.store.export.table import Row, Table, from_json
from engine.store.rows import decode, select_in
from engine.store.sqlite import Connection

# What was made of it, and who worked.

_RATINGS = {
    "arena": "text",
    "judge": "text",
    "category": "text",
    "parameters": "json",
    "models": "json",
    "battles": "integer",
    "created_at": "number",
}


def _ratings(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    query = (
        "SELECT id, arena_id, judge_id, category, parameters, models, battles, created_at FROM rating_snapshots"
        " WHERE id IN"
    )
    for number, arena, judge, category, parameters, models, battles, at in select_in(
        connection, query, numbers
    ):
        said = (
            names.arenas[arena],
            names.judges[judge],
            decode(category) or "all",
            from_json(parameters),
            from_json(models),
            battles,
            at,
        )
        yield number, dict(zip(_RATINGS, said, strict=True))


def _plain(table: str, columns: dict[str, str]) -> Table:
    """A table whose columns are as they stand."""

    def read(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
        query = f"SELECT t.id, {', '.join(f't.{name}' for name in columns)} FROM {table} t WHERE t.id IN"
        for number, *said in select_in(connection, query, numbers):
            yield (
                number,
                {
                    name: from_json(value) if kind == "json" else decode(value) if kind == "text" else value
                    for (name, kind), value in zip(columns.items(), said, strict=True)
                },
            )

    return Table(columns, f"SELECT t.id FROM {table} t {{where}} ORDER BY t.id", read)


_JOBS = {
    "id": "integer",
    "name": "text",
    "digest": "text",
    "state": "text",
    "request": "text",
    "limits": "json",
    "progress": "json",
    "reason": "text",
    "plan": "text",
    "created_at": "number",
    "ended_at": "number",
}
_ATTEMPTS = {
    "id": "integer",
    "job_id": "integer",
    "number": "integer",
    "worker_id": "text",
    "state": "text",
    "lease_until": "number",
    "started_at": "number",
    "ended_at": "number",
    "exit_code": "integer",
    "reason": "text",
}
_EVENTS = {
    "id": "integer",
    "at": "number",
    "kind": "text",
    "level": "text",
    "job_id": "integer",
    "attempt_id": "integer",
    "facts": "json",
}


RATINGS = Table(
    _RATINGS,
    "SELECT s.id FROM rating_snapshots s {where} ORDER BY s.id",
    _ratings,
    {
        "arena": "s.arena_id = (SELECT id FROM arenas WHERE name = ?)",
        "judge": "s.judge_id = (SELECT id FROM judges WHERE name = ?)",
    },
)
JOBS = _plain("jobs", _JOBS)
ATTEMPTS = _plain("attempts", _ATTEMPTS)
EVENTS = _plain("events", _EVENTS)
