"""Games under way: which battles wait for which verdicts. Pure bookkeeping, no store and no judge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from engine.battles.schedule import Match
from engine.judges.base import Question, Shown
from engine.records import Conversation, Game, Verdict, VerdictStatus
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

    def shown(self, swapped: bool, conversation: Conversation) -> Shown:
        """The game as its judge sees it."""
        first, second = self.in_order(swapped)
        return Shown(
            self.match.prompt.key, conversation, first.key, first.response, second.key, second.response
        )

    def in_order(self, swapped: bool) -> tuple[StoredResponse, StoredResponse]:
        """Both responses in the order of showing."""
        return (self.b, self.a) if swapped else (self.a, self.b)

    def games(self) -> list[Game]:
        """The games that have a verdict, the one in plan order first."""
        return [Game(swapped, verdict) for swapped, (_, verdict) in sorted(self.verdicts.items())]


@dataclass(slots=True)
class Asked:
    """A question to be asked, and the games that its verdict settles: equal responses are shown once.

    Attributes:
        question: as it is asked the next time.
        tries: the invalid verdicts that it has had.
    """

    question: Question
    games: list[tuple[Pending, bool]]
    tries: int = 0

    @property
    def prompt_id(self) -> int:
        """Of the battles that wait for it: equal pages are of one prompt."""
        return self.games[0][0].match.prompt.id

    def goes_on_from(self, stored: StoredVerdict) -> None:
        """The store has invalid verdicts of it from an earlier run."""
        self.tries = stored.tries
        self.question = replace(self.question, attempt=stored.tries, cuts=stored.cuts)

    def hear(self, verdict: Verdict, most_tries: int) -> bool:
        """Whether this verdict settles it; else it is to be asked once more."""
        if verdict.status is VerdictStatus.OK:
            return True
        self.tries += 1
        cuts = self.question.cuts + (verdict.status is VerdictStatus.CUT)
        self.question = replace(self.question, attempt=self.tries, cuts=cuts)
        return self.tries >= most_tries

    def settle(self, number: int, verdict: Verdict) -> list[Pending]:
        """Give the verdict (with its number in the store) to its games; return the battles that wait for none now."""
        complete = []
        for pending, swapped in self.games:
            pending.verdicts[swapped] = (number, verdict)
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


def by_question(questions: Iterable[tuple[Pending, bool, Question]]) -> dict[str, Asked]:
    """Each question once, by its key, with all games that it settles; these become unsettled."""
    asked: dict[str, Asked] = {}
    for pending, swapped, question in questions:
        pending.unsettled.add(swapped)
        one = asked.setdefault(question.key, Asked(question, []))
        one.games.append((pending, swapped))
    return asked
