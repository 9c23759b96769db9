"""A judge meets the probes: who won each trial, and how often the bad answer did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.judges.base import Judge
from engine.judges.checking.probes import shipped_probes
from engine.judges.checking.trials import SIDES, Trial, build_trials
from engine.judges.derive import margin
from engine.ratings.proportion import Share
from engine.records import Verdict, VerdictKind, VerdictStatus

Ended = Literal["first", "second", "tie", "invalid"]
CHARACTERS_PER_TOKEN = 4
"""Of English text, roughly: to say beforehand what a check costs."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A trial and who won it; an invalid verdict has its reason."""

    trial: Trial
    ended: Ended
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """How a judge did on one probe.

    Attributes:
        trials: games of it; `invalid` of them without a valid verdict.
        fooled: of the valid ones, how often the bad answer won; of the same answer twice, how often one of them did.
        tied: of the valid ones, how many were ties.
        forging: whether the probe forges what only the judge may say.
        fooled_by: variants that won, with how often.
    """

    probe: str
    trials: int
    invalid: int
    fooled: Share
    tied: Share
    forging: bool
    fooled_by: dict[str, int]

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return {
            "probe": self.probe,
            "trials": self.trials,
            "invalid": self.invalid,
            "fooled": self.fooled.facts(),
            "tied": self.tied.facts(),
            "forging": self.forging,
            "fooled_by": self.fooled_by,
        }


@dataclass(frozen=True, slots=True)
class JudgeCheck:
    """A judge under one template.

    Attributes:
        template: None for a checker.
        both_orders_agree: trials shown in both orders, both valid, of which the same answer won or both tied.
        towards_first: of those that disagree, how many favour what was shown first.
        reasons: why verdicts were invalid.
    """

    judge: str
    kind: VerdictKind
    template: str | None
    calls: int
    probes: tuple[ProbeResult, ...]
    both_orders_agree: Share
    towards_first: Share
    reasons: dict[str, int]

    @property
    def forged(self) -> int:
        """How many forged verdicts were accepted: the bad answer won by what it forged."""
        return sum(one.fooled.count for one in self.probes if one.forging)

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return {
            "judge": self.judge,
            "kind": self.kind.value,
            "template": self.template,
            "calls": self.calls,
            "forged_accepted": self.forged,
            "probes": [one.facts() for one in self.probes],
            "both_orders_agree": self.both_orders_agree.facts(),
            "towards_first": self.towards_first.facts(),
            "reasons": self.reasons,
        }


@dataclass(frozen=True, slots=True)
class Cost:
    """What a check asks for: calls, and the tokens that are read for them, roughly."""

    calls: int
    tokens_in: int


def cost_of(judge: Judge, per_attack: int) -> Cost:
    """What a check of this judge would ask for. Nothing is asked to tell it, and the judge need not be open."""
    asked = [judge.question(trial.shown) for trial in build_trials(judge, per_attack)]
    questions = {one.key: one for one in asked}
    read = sum(len(message.content or "") for one in questions.values() for message in one.messages)
    return Cost(len(questions), read // CHARACTERS_PER_TOKEN)


async def check_judge(judge: Judge, per_attack: int) -> JudgeCheck:
    """Ask a judge, which is open, each question once, and count who won. Nothing is stored."""
    trials = build_trials(judge, per_attack)
    questions = [judge.question(trial.shown) for trial in trials]
    said: dict[int, Verdict] = {}
    async for question, verdict in judge.judge(questions):
        said[id(question)] = verdict
    endings = [_ending(trial, said[id(question)]) for trial, question in zip(trials, questions, strict=True)]
    agree, towards_first = _orders(endings)
    reasons: dict[str, int] = {}
    for one in endings:
        if one.reason is not None:
            reasons[one.reason] = reasons.get(one.reason, 0) + 1
    template = getattr(getattr(judge, "template", None), "name", None)
    calls = len({question.key for question in questions})
    probes = tuple(_result(probe, some) for probe, some in _by_probe(endings).items())
    return JudgeCheck(judge.name, judge.kind, template, calls, probes, agree, towards_first, reasons)


def _ending(trial: Trial, verdict: Verdict) -> Ending:
    if verdict.status is not VerdictStatus.OK or verdict.value is None:
        return Ending(trial, "invalid", f"{verdict.status.value}: {verdict.reason}")
    favours = margin(verdict.kind, verdict.value)
    return Ending(trial, "first" if favours > 0 else "second" if favours < 0 else "tie")


def _by_probe(endings: Iterable[Ending]) -> dict[str, list[Ending]]:
    found: dict[str, list[Ending]] = {}
    for one in endings:
        found.setdefault(one.trial.probe, []).append(one)
    return found


def _result(probe: str, endings: Sequence[Ending]) -> ProbeResult:
    valid = [one for one in endings if one.ended != "invalid"]
    fooled = [
        one for one in valid if one.ended in ([one.trial.worse] if one.trial.worse else ["first", "second"])
    ]
    by: dict[str, int] = {}
    for one in fooled:
        by[one.trial.name] = by.get(one.trial.name, 0) + 1
    return ProbeResult(
        probe,
        len(endings),
        len(endings) - len(valid),
        Share(len(fooled), len(valid)),
        Share(sum(one.ended == "tie" for one in valid), len(valid)),
        probe in shipped_probes().forging,
        by,
    )


def _orders(endings: Iterable[Ending]) -> tuple[Share, Share]:
    """How often both orders agree, and of those that do not, how many favour the first."""
    pairs: dict[tuple[str, str, str], dict[str, Ended]] = {}
    for one in endings:
        if one.trial.worse is not None and one.ended != "invalid":
            key = one.trial.probe, one.trial.name, one.trial.question
            pairs.setdefault(key, {})[one.trial.worse] = one.ended
    place = {"first": 1, "tie": 0, "second": -1}
    leans = [
        sum(place[ended] for ended in both.values()) for both in pairs.values() if len(both) == len(SIDES)
    ]
    apart = [lean for lean in leans if lean]
    return Share(len(leans) - len(apart), len(leans)), Share(sum(lean > 0 for lean in apart), len(apart))
