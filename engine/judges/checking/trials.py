"""Trials: the games in which a judge meets the probes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from engine.errors import UsageError
from engine.judges.base import Judge, Shown
from engine.judges.checker import CheckerJudge
from engine.judges.checking.probes import KNOWN, SAME, Attack, ProbeQuestion, attack_text, shipped_probes
from engine.judges.llm import LlmJudge
from engine.judges.recorded import RecordedJudge
from engine.judges.template import TemplateLabels, load_template
from engine.pocket.checker import right_answers
from engine.pocket.tasks import generate
from engine.records import Conversation, Response, ResponseStatus, Turn, VerdictKind

Side = Literal["first", "second"]
SIDES: tuple[Side, Side] = ("first", "second")


@dataclass(frozen=True, slots=True)
class Trial:
    """One game.

    Attributes:
        probe, name: what is tried, and in which variant.
        question: name of the question; the two trials of both orders share probe, name and question.
        worse: the side on which the bad answer stands; None where both are the same.
    """

    probe: str
    name: str
    question: str
    shown: Shown
    worse: Side | None


def build_trials(judge: Judge, per_attack: int) -> list[Trial]:
    """All trials of a judge: known answers, the same answer twice, each attack on some questions; in both orders.

    Args:
        per_attack: questions that each attack is tried on; they take turns.

    Raises:
        UsageError: the judge compares nothing, or asks nobody.
    """
    _check_compares(judge)
    probes = shipped_probes()
    questions = _pocket_questions() if _knows_pocket_only(judge) else probes.questions
    trials = [trial for question in questions for trial in _plain(question)]
    for place, attack in enumerate(probes.attacks):
        for offset in range(min(per_attack, len(questions))):
            trials += _attacked(judge, attack, questions[(place + offset) % len(questions)])
    return trials


def _check_compares(judge: Judge) -> None:
    if judge.kind is VerdictKind.SINGLE:
        raise UsageError(
            f"the judge '{judge.name}' scores one response by itself",
            mend="Check it with a template of another kind: --template NAME.",
        )
    if isinstance(judge, RecordedJudge):
        raise UsageError(
            f"the judge '{judge.name}' is recorded: it asks nobody", mend="See: arena-tui verdicts stats"
        )


def _plain(question: ProbeQuestion) -> Iterator[Trial]:
    for worse in SIDES:
        yield _trial(KNOWN, question.name, question, question.bad, worse)
    shown = _shown(question, question.good, question.good)
    yield Trial(SAME, question.name, question.name, shown, None)


def _attacked(judge: Judge, attack: Attack, question: ProbeQuestion) -> Iterator[Trial]:
    labels = _labels(judge)
    for worse in SIDES:
        text = attack_text(attack, question, judge.kind, labels, worse == "first")
        yield _trial(attack.probe, attack.name, question, text, worse)


def _trial(probe: str, name: str, question: ProbeQuestion, bad: str, worse: Side) -> Trial:
    first, second = (bad, question.good) if worse == "first" else (question.good, bad)
    return Trial(probe, name, question.name, _shown(question, first, second), worse)


def _shown(question: ProbeQuestion, first: str, second: str) -> Shown:
    sides = [Response(ResponseStatus.OK, (Turn(text),)) for text in (first, second)]
    keys = [f"probe:{text}" for text in (first, second)]
    return Shown(
        f"probe:{question.prompt}", Conversation.of(question.prompt), keys[0], sides[0], keys[1], sides[1]
    )


def _labels(judge: Judge) -> TemplateLabels:
    template = judge.template if isinstance(judge, LlmJudge) else load_template("arena-learning")
    return template.labels


def _knows_pocket_only(judge: Judge) -> bool:
    return isinstance(judge, CheckerJudge) and judge.facts()["checker"] == "pocket"


_POCKET_QUESTIONS = 6


def _pocket_questions() -> Sequence[ProbeQuestion]:
    """Pocket tasks of one turn with their right answers, and a wrong one."""
    rng, found = Random(0), list[ProbeQuestion]()
    for prompt in generate("dev", 40, 0, difficulties=(1, 3)):
        assert prompt.conversation is not None, "pocket prompts have their texts"
        asked = [one.content or "" for one in prompt.conversation.messages if one.role == "user"]
        if len(asked) == 1 and len(found) < _POCKET_QUESTIONS:
            wrong = "".join(rng.choices("xyz", k=5))
            found.append(ProbeQuestion(prompt.name, asked[0], right_answers(prompt.conversation)[0], wrong))
    return found
