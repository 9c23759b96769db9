"""A judge whose verdicts are in the store already, from an import or an earlier run. It never asks anyone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Self

from pydantic import Field

from engine import keys
from engine.judges.base import JudgeSpec, Question, Shown
from engine.judges.reasons import Reason
from engine.players.base import Player
from engine.plugin_options import PluginOptions, read_options, refuse
from engine.plugins import Group
from engine.records import Verdict, VerdictKind, VerdictStatus

GAMES = 1
"""Logs of the field mostly hold one order."""

_MEANINGLESS = ("revision", "endpoints", "api_key_env", "template", "tokenizer")
"""Fields of a plan's entry that are for judges that ask a model."""


class RecordedOptions(PluginOptions):
    """Options of a judge of kind `recorded`."""

    verdicts: VerdictKind = Field(default=VerdictKind.SCORES, description="kind of the recorded verdicts")


class RecordedJudge:
    """Whoever runs battles takes what the store has first, by the question's key; so only what it lacks is asked
    here, and each of that is failed (`not recorded`).

    Args:
        model: the name that the judge has in the store.
    """

    Options = RecordedOptions

    def __init__(
        self, name: str, model: str, kind: VerdictKind = VerdictKind.SCORES, games: int = GAMES
    ) -> None:
        self.name = name
        self.kind = kind
        self.games = games
        self._model = model

    @classmethod
    def from_plan(cls, name: str, spec: JudgeSpec, player: Player | None = None, secret: bytes = b"") -> Self:
        """Check the plan's entry.

        Raises:
            UsageError: it says something that means nothing to this kind.
            PlanError: the options are wrong.
        """
        refuse(Group.JUDGES, "recorded", name, spec, *_MEANINGLESS)
        options = read_options(RecordedOptions, Group.JUDGES, name, spec.options)
        return cls(name, spec.model or name, options.verdicts, GAMES if spec.games is None else spec.games)

    async def open(self) -> None:
        """Nothing to open."""

    def key(self) -> str:
        """By its name in the store, as imports register judges."""
        return keys.judge_key("recorded", {"name": self._model}, None, None)

    def facts(self) -> Mapping[str, Any]:
        return {"kind": "recorded", "name": self._model}

    def question(self, shown: Shown) -> Question:
        """The verdict's key by the keys of what was compared. Pure."""
        key = keys.compared_verdict_key(
            self.key(), shown.prompt_key, shown.first_key, shown.second_key, shown.turn
        )
        return Question(key, shown)

    async def judge(
        self, questions: Iterable[Question], attempt: int = 0
    ) -> AsyncIterator[tuple[Question, Verdict]]:
        for question in questions:
            yield (
                question,
                Verdict(
                    self.kind,
                    VerdictStatus.FAILED,
                    reason=Reason.NOT_RECORDED.value,
                    turn=question.shown.turn,
                ),
            )

    async def close(self) -> None:
        """Nothing to close."""
