"""Scores of one response: verdicts that make no battle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.battles.import_keys import single_content, single_key
from engine.battles.import_shared import (
    DUPLICATE,
    OURS,
    SAID_OTHERWISE,
    Placed,
    Shared,
    Told,
    contradicts,
    refused_lines,
)
from engine.formats.rows import SetAside, SingleRow
from engine.store.contestants import Contestant
from engine.store.prompts import LandedPrompt
from engine.store.responses import Found
from engine.store.store import Transaction
from engine.store.verdicts import NewVerdict, said_before


class _Score(NamedTuple):
    """A score with everything that it refers to found."""

    row: SingleRow
    key: str
    source: str
    prompt: LandedPrompt
    judge: Contestant
    player: Contestant
    response: Found | None


def land_scores(tx: Transaction, shared: Shared, usable: Sequence[Placed], told: Told) -> list[SetAside]:
    """Land the scores of a chunk; return what could not be used."""
    aside: list[SetAside] = []
    scores: list[_Score] = []
    for row, place in usable:
        if isinstance(row, SingleRow):
            score = _score(tx, shared, row, place, told.get((id(row), "a")))
            scores += [score] if score else []
            aside += [] if score else refused_lines(row, DUPLICATE)
    own = _own(tx, scores)
    shared.known["verdicts"] += sum(score.source in own for score in scores)
    items = {score.key: _verdict(score) for score in scores if score.source not in own}
    stands = said_before(tx.connection, items)
    wrong = {key for key, item in items.items() if contradicts(item, stands.get(key))}
    shared.land_verdicts(tx, {key: item for key, item in items.items() if key not in wrong})
    return aside + [one for s in scores if s.key in wrong for one in refused_lines(s.row, SAID_OTHERWISE)]


def _score(
    tx: Transaction, shared: Shared, row: SingleRow, place: LandedPrompt, told: Found | None
) -> _Score | None:
    """A score with what it refers to; None when its id has been met."""
    judge, player = shared.parties.judge(tx, row.judge), shared.parties.player(tx, row.model)
    turn, source = row.verdict.turn, row.source_id
    if source is None:
        content = single_content(row, told.key if told else None, shared.marks.of(row.file))
        first = single_key(judge.key, place.key, player.key, turn, f"{content} in {row.file}")
        source = f"{content}#{shared.met.count(first)}"
        key = single_key(judge.key, place.key, player.key, turn, source)
    else:
        key = single_key(judge.key, place.key, player.key, turn, source)
        if shared.met.count(key):
            return None
    response = told or shared.responses.sole(tx.connection, place.prompt_id, player.id)
    return _Score(row, key, source, place, judge, player, response)


def _own(tx: Transaction, scores: Sequence[_Score]) -> set[str]:
    """Keys of scores of an export that this very store wrote: they stand under their own keys."""
    ours = [one.source for one in scores if OURS.fullmatch(one.source)]
    return set(said_before(tx.connection, ours)) if ours else set()


def _verdict(one: _Score) -> NewVerdict:
    response = one.response.id if one.response else None
    place, said = one.prompt.prompt_id, one.row.verdict
    return NewVerdict(one.key, one.judge.id, place, one.player.id, None, said, response, None, one.source)
