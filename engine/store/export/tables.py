"""The tables that are exported, by name."""

from __future__ import annotations

from engine.store.export import judged, nouns, selected, work
from engine.store.export.table import Table

TABLES: dict[str, Table] = {
    "prompts": nouns.PROMPTS,
    "models": nouns.MODELS,
    "players": nouns.PLAYERS,
    "judges": nouns.JUDGES,
    "arenas": nouns.ARENAS,
    "responses": nouns.RESPONSES,
    "verdicts": judged.VERDICTS,
    "games": judged.GAMES,
    "battles": judged.BATTLES,
    "ratings": work.RATINGS,
    "selections": selected.SELECTIONS,
    "jobs": work.JOBS,
    "attempts": work.ATTEMPTS,
    "events": work.EVENTS,
}
