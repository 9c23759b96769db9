"""Battles that a person overruled: the one place where reviews reach a selection."""

from __future__ import annotations

from engine.store.sqlite import Connection


def overruled_battles(connection: Connection, arena_id: int, judge_id: int) -> frozenset[int]:
    """Numbers of the battles of an arena and judge of which a person said that the verdict is wrong.

    The store holds no reviews yet, so there are none. Prompts with one of them never become rows.
    """
    return frozenset()
