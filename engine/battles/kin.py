"""A word before a run where a judge is kin to a player: judges favour their own (attack A12)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from engine.battles.cast import Bench, Seat
from engine.judges.statistics.families import kin_of
from engine.store.contestants import read_players
from engine.store.judged import JudgeRow
from engine.store.store import Store


def kin_warnings(store: Store, seats: Iterable[Seat], benches: Iterable[Bench]) -> Iterator[str]:
    """What a person should know of judges that judge the model that they are, or one of their family by name."""
    taking_part = {seat.contestant.id for seat in seats}
    players = [player for player in read_players(store.reader) if player.id in taking_part]
    for bench in benches:
        judge = JudgeRow(bench.contestant.id, bench.name, json.dumps(dict(bench.judge.facts())))
        families, kin = kin_of(judge, players)
        certain = [one.player for one in kin if one.certain]
        named = [one.player for one in kin if not one.certain]
        if certain:
            yield f"judge '{bench.name}' is the very model that plays as {', '.join(certain)}"
        if named:
            yield f"judge '{bench.name}' judges its own family ({', '.join(families)}), by name: {', '.join(named)}"
