"""What a run leaves in the store, by content keys and names: equal for two runs that are equal but for times,
attempts, events and numbers of rows."""

from __future__ import annotations

from engine.store import Store

Rows = list[tuple[object, ...]]

_CONTENT = {
    "prompts": (
        "SELECT p.key, i.name, i.position, i.category FROM prompt_set_items i JOIN prompts p ON p.id = i.prompt_id"
    ),
    "players": "SELECT key, name FROM players",
    "judges": "SELECT key, name FROM judges",
    "arenas": "SELECT name, outcome_rule, on_cut FROM arenas",
    "responses": (
        "SELECT r.key, r.status, r.sample, r.error, t.turn, x.body, t.finish_reason, t.tokens_in, t.tokens_out"
        " FROM responses r LEFT JOIN response_turns t ON t.response_id = r.id LEFT JOIN texts x ON x.id = t.answer"
    ),
    "verdicts": (
        "SELECT v.key, v.try, v.status, v.value, v.reason, x.body, f.key, s.key FROM verdicts v"
        " LEFT JOIN texts x ON x.id = v.raw LEFT JOIN responses f ON f.id = v.response_first"
        " LEFT JOIN responses s ON s.id = v.response_second"
    ),
    "battles": (
        "SELECT b.key, b.state, b.reason, b.outcome, b.margin, b.win_share, b.category, b.position, a.key, c.key"
        " FROM battles b JOIN responses a ON a.id = b.response_a JOIN responses c ON c.id = b.response_b"
    ),
    "games": (
        "SELECT b.key, g.swapped, v.key, v.try FROM games g JOIN battles b ON b.id = g.battle_id"
        " JOIN verdicts v ON v.id = g.verdict_id"
    ),
    "pair_counts": (
        "SELECT c.category, a.name, b.name, c.wins, c.losses, c.ties, c.win_share, c.decided, c.waiting, c.void"
        " FROM pair_counts c JOIN players a ON a.id = c.a JOIN players b ON b.id = c.b"
    ),
    "side_counts": (
        "SELECT s.category, p.name, s.status, s.n FROM side_counts s JOIN players p ON p.id = s.player_id"
    ),
}


def content(store: Store) -> dict[str, Rows]:
    """By table, all rows in one order."""
    return {table: sorted(rows(store, query), key=repr) for table, query in _CONTENT.items()}


def rows(store: Store, query: str) -> Rows:
    return [tuple(row) for row in store.reader.execute(query)]


def number(store: Store, query: str) -> int:
    return int(store.reader.execute(query).fetchone()[0])
