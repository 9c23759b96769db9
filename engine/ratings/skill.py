"""TrueSkill, or OpenSkill in its place: a mean and a deviation for every model, folded battle by battle.

TrueSkill (Herbrich, Minka and Graepel 2006) is a brand of Microsoft, whose notice permits it for Xbox Live games and
non-commercial projects. OpenSkill (Weng and Lin 2011, the Plackett-Luce model of the package openskill) is free of
that and has the same form: mu 25, sigma 25/3, beta 25/6, tau 25/300 to start with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from engine.errors import MissingExtra
from engine.ratings.online import Battle
from engine.records import Outcome

Library = Literal["trueskill", "openskill"]
Skill = tuple[float, float]
"""mu and sigma."""
Update = Callable[[Skill, Skill, bool], tuple[Skill, Skill]]
"""New skills of winner and loser, or of two that drew."""


@dataclass(frozen=True, slots=True)
class SkillState:
    """Skills after a number of battles.

    Attributes:
        library: which package updates them.
        mu, sigma: skill before the first battle.
        beta: performance varies by so much around the skill.
        tau: what is added to sigma before each battle, in squares.
        draw_probability: 0..1, how often equals draw; openskill does without it.
        battles: how many have been folded.
        skills: mu and sigma of every model that has fought.
    """

    library: Library = "trueskill"
    mu: float = 25.0
    sigma: float = 25 / 3
    beta: float = 25 / 6
    tau: float = 25 / 300
    draw_probability: float = 0.1
    battles: int = 0
    skills: Mapping[str, Skill] = field(default_factory=dict)

    def folded(self, battles: Iterable[Battle]) -> Self:
        """The state after `battles` too, in their order; 3,000 to 10,000 a second.

        Raises:
            MissingExtra: when the package is not installed.
        """
        update = _UPDATES[self.library](self)
        skills, count = dict(self.skills), self.battles
        for a, b, outcome in battles:
            count += 1
            skill_a, skill_b = (skills.setdefault(model, (self.mu, self.sigma)) for model in (a, b))
            if a == b:
                continue
            if outcome == Outcome.B:
                skills[b], skills[a] = update(skill_b, skill_a, False)
            else:
                skills[a], skills[b] = update(skill_a, skill_b, Outcome(outcome) is Outcome.TIE)
        return replace(self, battles=count, skills=skills)

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values; numbers are kept exactly."""
        skills = {model: list(skill) for model, skill in self.skills.items()}
        return {"method": "skill", **self._parameters, "battles": self.battles, "skills": skills}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The state that `to_json` gave.

        Raises:
            ValueError: when it is the state of another method.
        """
        if stored.get("method") != "skill":
            raise ValueError(f"not a state of TrueSkill or OpenSkill: {stored.get('method')!r}")
        given = {key: value for key, value in stored.items() if key not in ("method", "skills")}
        skills = {str(model): (float(mu), float(sigma)) for model, (mu, sigma) in stored["skills"].items()}
        return cls(**given, skills=skills)

    @property
    def _parameters(self) -> dict[str, Any]:
        names = ("library", "mu", "sigma", "beta", "tau", "draw_probability")
        return {name: getattr(self, name) for name in names}


def _trueskill(state: SkillState) -> Update:
    try:
        import trueskill
    except ImportError as error:
        raise MissingExtra("TrueSkill", "", "trueskill") from error
    env = trueskill.TrueSkill(
        mu=state.mu,
        sigma=state.sigma,
        beta=state.beta,
        tau=state.tau,
        draw_probability=state.draw_probability,
    )

    def update(first: Skill, second: Skill, drawn: bool) -> tuple[Skill, Skill]:
        ratings = (env.create_rating(*first), env.create_rating(*second))
        one, two = trueskill.rate_1vs1(*ratings, drawn=drawn, env=env)
        return (float(one.mu), float(one.sigma)), (float(two.mu), float(two.sigma))

    return update


def _openskill(state: SkillState) -> Update:
    try:
        from openskill.models import PlackettLuce
    except ImportError as error:
        raise MissingExtra("OpenSkill", "openskill", "openskill") from error
    model = PlackettLuce(mu=state.mu, sigma=state.sigma, beta=state.beta, tau=state.tau)

    def update(first: Skill, second: Skill, drawn: bool) -> tuple[Skill, Skill]:
        teams = [[model.rating(*first)], [model.rating(*second)]]
        (one,), (two,) = model.rate(teams, ranks=[1, 1 if drawn else 2])
        return (float(one.mu), float(one.sigma)), (float(two.mu), float(two.sigma))

    return update


_UPDATES: dict[Library, Callable[[SkillState], Update]] = {"trueskill": _trueskill, "openskill": _openskill}
