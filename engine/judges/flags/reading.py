"""Flags of responses in the store, derived whenever they are asked for.

None is stored. Whether an answer is constant depends on the player's other answers, so a stored flag would be wrong
from the next response on, and all of them from the next version of a pattern on. What is derived is true by itself,
and costs the same at any size: a player's habits are learned from a bounded sample, then each response that is asked
for costs its own text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.judges.flags.content_free import is_content_free
from engine.judges.flags.injected import is_injected
from engine.judges.flags.kinds import Flag
from engine.judges.flags.repetition import MOST_SAMPLED, Answered, Habits
from engine.judges.hidden import show_hidden
from engine.judges.special import SpecialTokens, shipped_tokens
from engine.ratings.naming import pick
from engine.store.answers import StoredAnswer, answering, answering_players, players_of, read_answers
from engine.store.sqlite import Connection

Flags = frozenset[Flag]
Flagged = tuple[StoredAnswer, Flags]


def flag_responses(
    connection: Connection, response_ids: Iterable[int], tokens: SpecialTokens | None = None
) -> dict[int, Flags]:
    """The flags of these responses, by number; those without any are left out.

    Args:
        tokens: special tokens to look for; None is the shipped list of known ones.
    """
    found: dict[int, Flags] = {}
    for player_id, numbers in players_of(connection, response_ids).items():
        for answer, flags in flagged_answers(connection, player_id, numbers, tokens):
            if flags:
                found[answer.response_id] = flags
    return found


def flagged_answers(
    connection: Connection, player_id: int, response_ids: Sequence[int], tokens: SpecialTokens | None = None
) -> Iterator[Flagged]:
    """Responses of one player with their flags, read as they are asked for."""
    habits = read_habits(connection, player_id)
    for answer in read_answers(connection, response_ids):
        yield answer, _flags(answer, habits, tokens or shipped_tokens())


def read_habits(connection: Connection, player_id: int) -> Habits:
    """What a player says to how many prompts, from a sample of its responses."""
    sample = read_answers(connection, answering(connection, player_id, MOST_SAMPLED))
    return Habits.learn([_answered(one) for one in sample])


def _answered(one: StoredAnswer) -> Answered:
    return Answered(one.prompt_id, one.prompt, one.text)


def _flags(answer: StoredAnswer, habits: Habits, tokens: SpecialTokens) -> Flags:
    text = answer.text
    seen = {
        Flag.CONSTANT: habits.of(_answered(answer)).is_constant,
        Flag.CONTENT_FREE: is_content_free(text, answer.question),
        Flag.INJECTED: is_injected(text),
        Flag.SPECIAL_TOKENS: tokens.break_up(text)[1] > 0,
        Flag.HIDDEN: show_hidden(text)[1] > 0,
    }
    return frozenset(flag for flag, is_so in seen.items() if is_so)


@dataclass(frozen=True, slots=True)
class PlayerFlags:
    """How many of a player's answers are flagged.

    Attributes:
        answers: responses that are neither failed nor empty.
        flagged: of these, how many have each flag.
        any: how many have one or more.
        most_equal: how many prompts got the answer that most of them got.
        prompts: how many were answered.
        examples: number of a response with each flag, the first in the order of keys.
    """

    player: str
    answers: int
    flagged: dict[Flag, int]
    any: int
    most_equal: int
    prompts: int
    examples: dict[Flag, int]


def player_flags(connection: Connection, players: Iterable[str] | None = None) -> list[PlayerFlags]:
    """The flags of all answers, by player; of all players that have any, or of those named.

    Raises:
        UsageError: there is no player of such a name with answers.
    """
    known = answering_players(connection)
    wanted = None if players is None else {pick("model", name, list(known.values())) for name in players}
    return [
        count_flags(name, flagged_answers(connection, number, answering(connection, number)))
        for number, name in known.items()
        if wanted is None or name in wanted
    ]


def count_flags(player: str, answers: Iterable[Flagged]) -> PlayerFlags:
    """Count what answers are flagged for."""
    counted, examples = Counter[Flag](), dict[Flag, int]()
    total = any_ = 0
    prompts: dict[tuple[int, ...], set[int]] = {}
    for answer, flags in answers:
        total += 1
        any_ += bool(flags)
        prompts.setdefault(answer.body, set()).add(answer.prompt_id)
        counted.update(flags)
        for flag in flags:
            examples.setdefault(flag, answer.response_id)
    return PlayerFlags(
        player,
        total,
        {flag: counted[flag] for flag in Flag},
        any_,
        max(map(len, prompts.values()), default=0),
        len(set[int]().union(*prompts.values())),
        examples,
    )
