"""A judge that computes: scores of 1 to 10 from a function, for prompts whose answers can be checked.

A checker grades one response at a time from the prompt's own words, so it has no position bias and both games of a
battle agree: one game is enough. `checker = "pocket"` is the pocket world's; `checker = "MODULE:FUNCTION"` is a
function of your own (see `Checker`).
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, Self

from pydantic import Field

from engine import keys
from engine.errors import PluginError, UsageError
from engine.judges.base import JudgeSpec, Question, Shown
from engine.judges.reasons import Reason
from engine.players.base import Player
from engine.plugin_options import PluginOptions, read_options, refuse
from engine.plugins import Group
from engine.pocket.checker import check, is_pocket_prompt
from engine.records import Conversation, Response, Verdict, VerdictKind, VerdictStatus

GAMES = 1
POCKET = "pocket"
POCKET_VERSION = "1"
"""Goes up with every change of engine.pocket.checker that changes a score."""
_PAUSE_EVERY = 64
"""Verdicts after which the event loop gets a turn."""


class Grade(Protocol):
    """What a checker says of one response."""

    @property
    def score(self) -> float:
        """1 to 10, for the whole conversation."""

    @property
    def turn_scores(self) -> Sequence[float]:
        """1 to 10 for each open turn."""

    @property
    def explanation(self) -> str:
        """Why, for people."""


Checker = Callable[[Conversation, Sequence[str]], Grade | None]
"""From a conversation and a response's answers, one per open turn, to its grade; None where it cannot tell."""


@dataclass(frozen=True, slots=True)
class NamedChecker:
    """A checker and what identifies it: a changed checker gives other keys, so its verdicts never mix.

    Attributes:
        version: POCKET_VERSION, or a hash of the module's source file (not of what that imports).
    """

    name: str
    version: str
    grade: Checker


_MEANINGLESS = ("model", "revision", "endpoints", "api_key_env", "template", "tokenizer")
"""Fields of a plan's entry that are for judges that ask a model."""


class CheckerOptions(PluginOptions):
    """Options of a judge of kind `checker`."""

    checker: str = Field(default=POCKET, description="'pocket', or MODULE:FUNCTION of your own")


class CheckerJudge:
    """See `base.Judge` for what each method promises."""

    Options = CheckerOptions

    def __init__(self, name: str, checker: NamedChecker, games: int = GAMES) -> None:
        self.name = name
        self.kind = VerdictKind.SCORES
        self.games = games
        self._checker = checker

    @classmethod
    def from_plan(cls, name: str, spec: JudgeSpec, player: Player | None = None, secret: bytes = b"") -> Self:
        """Check the plan's entry and load the function.

        Raises:
            UsageError: it says something that means nothing to this kind, or there is no such function.
            PluginError: the function's module cannot be imported.
            PlanError: the options are wrong.
        """
        refuse(Group.JUDGES, "checker", name, spec, *_MEANINGLESS)
        options = read_options(CheckerOptions, Group.JUDGES, name, spec.options)
        return cls(name, load_checker(options.checker), GAMES if spec.games is None else spec.games)

    async def open(self) -> None:
        """Nothing to open."""

    def key(self) -> str:
        """By the checker's name and version."""
        return keys.judge_key("checker", None, None, None, self._said())

    def facts(self) -> Mapping[str, Any]:
        return {"kind": "checker", **self._said()}

    def question(self, shown: Shown) -> Question:
        """The verdict's key by the keys of what is compared; nothing is rendered."""
        key = keys.compared_verdict_key(
            self.key(), shown.prompt_key, shown.first_key, shown.second_key, shown.turn
        )
        return Question(key, shown)

    async def judge(
        self, questions: Iterable[Question], attempt: int = 0
    ) -> AsyncIterator[tuple[Question, Verdict]]:
        """Grade all questions, in order. A conversation that the checker does not know is failed.

        Raises:
            PluginError: a checker of the user's raised.
        """
        for number, question in enumerate(questions, start=1):
            yield question, self._verdict(question.shown)
            if number % _PAUSE_EVERY == 0:
                await asyncio.sleep(0)

    async def close(self) -> None:
        """Nothing to close."""

    def _verdict(self, shown: Shown) -> Verdict:
        if shown.second is None:
            raise ValueError("a checker compares two responses")
        first, second = (self._grade(shown, response) for response in (shown.first, shown.second))
        if first is None or second is None:
            reason = Reason.NOT_CHECKABLE.value
            return Verdict(self.kind, VerdictStatus.FAILED, reason=reason, turn=shown.turn)
        return Verdict(
            self.kind,
            VerdictStatus.OK,
            value=(_score(first, shown.turn), _score(second, shown.turn)),
            explanation=f"First: {first.explanation}\nSecond: {second.explanation}",
            turn=shown.turn,
        )

    def _grade(self, shown: Shown, response: Response) -> Grade | None:
        answers = [turn.answer for turn in response.turns]
        answers += [""] * (shown.conversation.open_turns - len(answers))
        try:
            grade = self._checker.grade(shown.conversation, answers)
            if grade is not None and not 1 <= _score(grade, shown.turn) <= 10:
                raise ValueError(f"a score of {_score(grade, shown.turn)}, expected 1 to 10")
        except Exception as error:  # a stranger's code may raise anything
            raise PluginError(
                f"the checker '{self._checker.name}' of judge '{self.name}' failed",
                f"{type(error).__name__}: {error}\nOn the prompt {shown.prompt_key}.",
                "A checker returns None where it cannot tell.",
            ) from error
        return grade

    def _said(self) -> dict[str, Any]:
        return {"checker": self._checker.name, "version": self._checker.version}


def _score(grade: Grade, turn: int | None) -> float:
    return float(grade.score if turn is None else grade.turn_scores[turn - 1])


def _check_pocket(conversation: Conversation, answers: Sequence[str]) -> Grade | None:
    return check(conversation, answers) if is_pocket_prompt(conversation) else None


def load_checker(name: str) -> NamedChecker:
    """A checker by its name: `pocket`, or MODULE:FUNCTION.

    Raises:
        UsageError: the name is neither, or the module has no such function.
        PluginError: the module cannot be imported.
    """
    if name == POCKET:
        return NamedChecker(POCKET, POCKET_VERSION, _check_pocket)
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise UsageError(
            f"there is no checker '{name}'", mend="Expected 'pocket', or MODULE:FUNCTION of your own."
        )
    try:
        module = import_module(module_name)
    except Exception as error:  # a stranger's module may raise anything
        raise PluginError(
            f"the checker '{name}' cannot be imported", f"{type(error).__name__}: {error}"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise UsageError(f"the module '{module_name}' has no function '{function_name}'")
    return NamedChecker(name, _source_hash(name, function), function)


def _source_hash(name: str, function: Callable[..., Any]) -> str:
    """Of the file that the function is written in.

    Raises:
        UsageError: there is none, so that its changes could not be told apart.
    """
    try:
        source = inspect.getsourcefile(inspect.unwrap(function))
    except TypeError:
        source = None
    if source is None:
        raise UsageError(
            f"the checker '{name}' has no source file, so its versions cannot be told apart",
            mend="Name a function that is written in a Python file.",
        )
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()[:16]
