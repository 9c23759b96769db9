"""Real stores of a battle log, landed battle by battle as an import lands them, and kept for the next run."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from battle_logs import BattleLog
from timing import Progress

from engine.battles.outcome import decide
from engine.keys import recorded_battle_key
from engine.ratings.counts import PairCounts
from engine.ratings.stored import read_counts
from engine.ratings.views import find_view
from engine.records import Decision, Game, OnCut, OutcomeRule, Prompt, Verdict, VerdictKind, VerdictStatus
from engine.store import Store, migrations, open_store
from engine.store.battles import Arena, NewBattle, land_arena, land_battles
from engine.store.contestants import Contestant, land_imported_player, land_recorded_judge
from engine.store.counts import differences
from engine.store.prompts import land_prompts

CHUNK = 50_000
"""Battles that land in one transaction."""

RECOUNTED = 100_000
"""Battles up to which the kept counts are held against a recount too, which reads all battles."""


def store_of(log: BattleLog, workdir: Path) -> Path:
    """A store that holds the log as one arena, from `workdir` where an earlier run has left it.

    The battles have no games and the prompts no texts: no rating reads them. Everything else is as imported.

    Raises:
        AssertionError: the counts that the store keeps are not those of the log.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    schema = hashlib.sha256(Path(migrations.__file__).read_bytes()).hexdigest()[:8]
    name = f"{len(log.models)}-models-{log.battles}-battles-{log.n_prompts}-prompts-{schema}"
    path, partial = workdir / f"{name}.db", workdir / f"{name}.partial"
    if path.exists():
        return path
    for left in workdir.glob(f"{name}.partial*"):
        left.unlink()
    with open_store(partial, writable=True) as store:
        _land(store, log)
        _check(store, log)
    return partial.rename(path)


def _land(store: Store, log: BattleLog) -> None:
    with store.write() as tx:
        judge = land_recorded_judge(tx, "chance")
        arena = land_arena(tx, "bench", OutcomeRule.MEAN_MARGIN, OnCut.JUDGE)
        players = [land_imported_player(tx, name) for name in log.models]
        landed = land_prompts(tx, [Prompt(str(n), None, "bench") for n in range(log.n_prompts)])
    prompts = [prompt.prompt_id for prompt in landed]
    battles = _battles(log, arena, judge, players, prompts)
    progress, begin, done = Progress(), time.perf_counter(), 0
    while chunk := list(islice(battles, CHUNK)):
        with store.write() as tx:
            land_battles(tx, arena, chunk)
        done += len(chunk)
        rate = done / (time.perf_counter() - begin)
        progress.show(
            f"store of {len(log.models)} models: {done:,} of {log.battles:,} battles landed, {rate:,.0f} a second"
        )
    progress.end()


def _battles(
    log: BattleLog, arena: Arena, judge: Contestant, players: list[Contestant], prompts: list[int]
) -> Iterator[NewBattle]:
    decisions = [_decision(arena.outcome_rule, value) for value in ("first", "second", "tie")]
    rows = zip(log.a.tolist(), log.b.tolist(), log.outcome.tolist(), strict=True)
    for position, (a, b, outcome) in enumerate(rows):
        yield NewBattle(
            recorded_battle_key(judge.key, {"number": position}),
            judge.id,
            prompts[position % len(prompts)],
            players[a].id,
            players[b].id,
            decisions[outcome],
            position,
        )


def _decision(rule: OutcomeRule, value: str) -> Decision:
    return decide(rule, [Game(False, Verdict(VerdictKind.WINNER, VerdictStatus.OK, value))], 1)


def _check(store: Store, log: BattleLog) -> None:
    """The kept counts are those of the log, counted apart from the store."""
    view = find_view(store.reader, None, None, None)
    columns = ((log.outcome == code).astype(np.int64) for code in range(3))
    counted = PairCounts.of(log.models, log.a, log.b, *columns)
    assert read_counts(store.reader, view).pairs.among(log.models) == counted
    if log.battles <= RECOUNTED:
        assert not differences(store.reader, view.arena.id)
