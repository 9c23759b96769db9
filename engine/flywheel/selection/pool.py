"""What an arena offers to a stage, whatever K is: every prompt that was fought on is usable, or has a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.flywheel.selection.groups import make_group
from engine.flywheel.selection.held_out import HeldOut, known_sets, read_held_out
from engine.flywheel.selection.overruled import overruled_battles
from engine.flywheel.selection.parameters import Parameters
from engine.flywheel.selection.reasons import Reason
from engine.flywheel.selection.rules import Candidate, offer
from engine.flywheel.selection.strategy import find_strategy
from engine.flywheel.selection.texts import Texts, fault, read_texts
from engine.ratings.naming import pick
from engine.ratings.views import View
from engine.store.groups import PromptBattles, PromptFacts, read_groups, read_prompt_facts
from engine.store.prompts import read_set
from engine.store.rows import decode
from engine.store.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Usable:
    """A candidate whose texts may train.

    Attributes:
        category: of the battles, else of the prompt in a set.
        length_chosen, length_other: characters; of sft `other` is the target's response.
        digest: equal for rows that say the same.
        words: of the prompt; empty unless the strategy reads prompts.
    """

    candidate: Candidate
    category: str | None
    difficulty: float | None
    length_chosen: int
    length_other: int | None
    digest: tuple[bytes, ...]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Pool:
    """What there is to choose from.

    Attributes:
        target: number of the player that is trained.
        names: of players, by number; aliased ones under the name that they are rated under.
        excluded: number of the prompt -> reason.
    """

    view: View
    parameters: Parameters
    target: int
    names: Mapping[int, str]
    usable: tuple[Usable, ...]
    excluded: Mapping[int, str]

    @property
    def considered(self) -> int:
        """Prompts that were looked at."""
        return len(self.usable) + len(self.excluded)


def read_pool(connection: Connection, view: View, parameters: Parameters) -> Pool:
    """Look at every prompt that the arena's judge has battles on.

    Raises:
        UsageError: no such model or prompt set, or no such strategy.
    """
    strategy, _ = find_strategy(parameters.strategy, parameters.options)
    members = _Members.read(connection, view, parameters)
    held_out = read_held_out(connection, parameters.held_out, parameters.near)
    offered = _offers(connection, view, parameters, members, held_out, strategy.by_gap)
    candidates = [one for one in offered.values() if isinstance(one, Candidate)]
    excluded = {number: one.value for number, one in offered.items() if isinstance(one, Reason)}
    texts = read_texts(connection, candidates, held_out, keep_words=strategy.reads_prompts)
    facts = read_prompt_facts(connection, (one.prompt_id for one in candidates))
    usable = []
    for one in candidates:
        reason = fault(one, texts, parameters)
        if reason is None:
            usable.append(_usable(one, texts, facts, parameters))
        else:
            excluded[one.prompt_id] = reason
    return Pool(view, parameters, members.target, members.names, tuple(usable), excluded)


def _offers(
    connection: Connection,
    view: View,
    parameters: Parameters,
    members: _Members,
    held_out: HeldOut,
    needs_gap: bool,
) -> dict[int, Candidate | Reason]:
    """By number of the prompt, what its group offers."""
    overruled = overruled_battles(connection, view.arena.id, view.judge_id)
    slices = _slices(connection, parameters)

    def looked_at(found: PromptBattles) -> Candidate | Reason:
        if held_out.has(found.prompt_id):
            return Reason.HELD_OUT
        group = make_group(found, members.of)
        if any(battle.id in overruled for battle in group.battles):
            return Reason.OVERRULED
        return offer(group, members.target, parameters, needs_gap=needs_gap)

    return {
        found.prompt_id: looked_at(found)
        for found in read_groups(connection, view.arena.id, view.judge_id, view.category)
        if slices is None or found.prompt_id in slices
    }


def _slices(connection: Connection, parameters: Parameters) -> frozenset[int] | None:
    """Numbers of the prompts that are looked at; None is all."""
    if not parameters.sets:
        return None
    names = known_sets(connection, parameters.sets)
    return frozenset(one.id for name in names for one in read_set(connection, name))


def _usable(one: Candidate, texts: Texts, facts: Mapping[int, PromptFacts], parameters: Parameters) -> Usable:
    said = facts.get(one.prompt_id, PromptFacts(None, None))
    prompt, chosen = texts.prompts[one.prompt_id], texts.responses[one.chosen.response_id]
    other = None if one.other is None else texts.responses.get(one.other.response_id)
    rejected = (other.digest,) if other is not None and parameters.takes_pairs else ()
    return Usable(
        one,
        said.category if one.category is None else one.category,
        said.difficulty,
        chosen.length,
        None if other is None else other.length,
        (prompt.digest, chosen.digest, *rejected),
        prompt.words,
    )


@dataclass(frozen=True, slots=True)
class _Members:
    """Who is of the battle group.

    Attributes:
        stands_for: number of a player -> of the one that it is rated as.
        allowed: numbers of those that are of the group; None is everybody.
    """

    target: int
    names: Mapping[int, str]
    stands_for: Mapping[int, int]
    allowed: frozenset[int] | None

    @classmethod
    def read(cls, connection: Connection, view: View, parameters: Parameters) -> _Members:
        rows = connection.execute(
            "SELECT p.id, COALESCE(o.id, p.id), COALESCE(o.name, p.name) FROM players p"
            " LEFT JOIN players o ON o.id = p.alias_of WHERE p.id IN (SELECT a FROM pair_counts WHERE arena_id = ?1"
            " AND judge_id = ?2 UNION SELECT b FROM pair_counts WHERE arena_id = ?1 AND judge_id = ?2)",
            (view.arena.id, view.judge_id),
        ).fetchall()
        names = {meant: decode(name) for _, meant, name in rows}
        numbers = {name: meant for meant, name in names.items()}
        target = numbers[pick("model", parameters.target, list(numbers))]
        others = [numbers[pick("model", name, list(numbers))] for name in parameters.opponents]
        return cls(
            target,
            names,
            {number: meant for number, meant, _ in rows},
            frozenset([target, *others]) if others else None,
        )

    def of(self, player_id: int) -> int | None:
        """The player that a number stands for; None where it is no member."""
        meant = self.stands_for.get(player_id, player_id)
        return meant if self.allowed is None or meant in self.allowed else None
