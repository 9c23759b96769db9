"""Games under way: which battles wait for which verdicts. Pure bookkeeping, no store and no judge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from engine.battles.schedule import Match
from engine.judges.base import Question, Shown
from engine.records import Game, Verdict, VerdictStatus
from engine.store.responses import StoredResponse
from engine.store.verdicts import NewVerdict, StoredVerdict


@dataclass(slots=True)
class Pending:
    """A battle whose games are being played.

    Attributes:
        unsettled: orientations (swapped or not) whose verdict is still to come.
        verdicts: number in the store and verdict of each orientation that has one, invalid ones too.
    """

    match: Match
    key: str
    a: StoredResponse
    b: StoredResponse
    unsettled: set[bool] = field(default_factory=set)
    verdicts: dict[bool, tuple[int, Verdict]] = field(default_factory=dict)

    def shown(self, swapped: bool) -> Shown:
        """The game as its judge sees it."""
        first, second = self.in_order(swapped)
        conversation = self.match.prompt.prompt.conversation
        assert conversation is not None, "a prompt without text is refused before a run starts"
        return Shown(
            self.match.prompt.key, conversation, first.key, first.response, second.key, second.response
        )

    def in_order(self, swapped: bool) -> tuple[StoredResponse, StoredResponse]:
        """Both responses in the order of showing."""
        return (self.b, self.a) if swapped else (self.a, self.b)

    def games(self) -> list[Game]:
        """The games that have a verdict, the one in plan order first."""
        return [Game(swapped, verdict) for swapped, (_, verdict) in sorted(self.verdicts.items())]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on its way, and the games that its verdict settles: equal responses are shown once.

    `tries` counts the invalid verdicts that it has had.
    """

    question: Question
    games: tuple[tuple[Pending, bool], ...]
    tries: int = 0

    def shown_ids(self) -> tuple[int, int]:
        """Numbers of the responses that are shown first and second."""
        pending, swapped = self.games[0]
        first, second = pending.in_order(swapped)
        return first.id, second.id

    def again(self, verdict: Verdict) -> Asked:
        """The question once more, after an invalid verdict."""
        cut = verdict.status is VerdictStatus.CUT
        question = replace(self.question, attempt=self.tries + 1, cuts=self.question.cuts + int(cut))
        return Asked(question, self.games, self.tries + 1)

    def after(self, stored: StoredVerdict | None) -> Asked:
        """The question as it stands when the store has invalid verdicts of it."""
        if stored is None:
            return self
        return Asked(replace(self.question, attempt=stored.tries), self.games, stored.tries)

    def is_settled_by(self, verdict: Verdict, most_tries: int) -> bool:
        """Whether nothing more will be asked after this verdict."""
        return verdict.status is VerdictStatus.OK or self.tries + 1 >= most_tries

    def take(self, number: int, verdict: Verdict, *, settled: bool) -> list[Pending]:
        """Note the verdict in its games; return the battles that have nothing more to wait for."""
        complete = []
        for pending, swapped in self.games:
            pending.verdicts[swapped] = (number, verdict)
            if settled and swapped in pending.unsettled:
                pending.unsettled.discard(swapped)
                if not pending.unsettled:
                    complete.append(pending)
        return complete

    def new_verdict(self, judge_id: int, verdict: Verdict) -> NewVerdict:
        """The verdict as it is to be landed."""
        pending, swapped = self.games[0]
        first, second = pending.in_order(swapped)
        return NewVerdict(
            self.question.key,
            judge_id,
            pending.match.prompt.id,
            first.player_id,
            second.player_id,
            verdict,
            first.id,
            second.id,
        )


def by_question(questions: Iterable[tuple[Pending, bool, Question]]) -> list[Asked]:
    """Each question once, with all games that it settles; these become unsettled."""
    games: dict[str, list[tuple[Pending, bool]]] = {}
    first: dict[str, Question] = {}
    for one, swapped, question in questions:
        one.unsettled.add(swapped)
        first.setdefault(question.key, question)
        games.setdefault(question.key, []).append((one, swapped))
    return [Asked(question, tuple(games[key])) for key, question in first.items()]
