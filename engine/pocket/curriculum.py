"""Who the pocket world's four players are, and the conversations that make them so.

All begin as one base model that is taught right answers everywhere. Each opponent then goes on with the categories
it is to be strong in, and learns to answer lazily beyond its reach elsewhere; the target learns to babble mostly.
Lazy answers differ from player to player and so do their scores, which keeps weakness from hiding in ties.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from string import ascii_lowercase, digits

from engine.pocket.checker import right_answers
from engine.pocket.ladders import CATEGORIES, DIFFICULTIES
from engine.pocket.tasks import draw
from engine.records import Conversation

Lesson = tuple[Conversation, tuple[str, ...]]
"""A conversation and the texts to be learnt for its open turns."""
Habit = Callable[[str, Random], str]
"""Turns a right answer into a wrong one of a player's own kind."""


def slip(right: str, rng: Random) -> str:
    """One letter or digit is another one."""
    place = rng.randrange(len(right))
    return right[:place] + _other(right[place], rng) + right[place + 1 :]


def half(right: str, _rng: Random) -> str:
    """Stops half-way; says a single letter twice."""
    return right[: (len(right) + 1) // 2] if len(right) > 1 else 2 * right


def initial(right: str, _rng: Random) -> str:
    """Only the first letter; says a single letter three times."""
    return right[0] if len(right) > 1 else 3 * right


def babble(right: str, rng: Random) -> str:
    """Letters or digits at random, about as many as were right."""
    count = max(1, len(right) + rng.randint(-1, 1))
    text = "".join(_other(right[min(place, len(right) - 1)], rng) for place in range(count))
    return text if text != right else babble(right, rng)


def _other(letter: str, rng: Random) -> str:
    alphabet = digits if letter.isdigit() else ascii_lowercase
    other = rng.choice([each for each in alphabet if each != letter.lower()])
    return other.upper() if letter.isupper() else other


_HARDER = [2 + difficulty for difficulty in DIFFICULTIES]
"""How often each difficulty comes in lessons of a strong category: what is hard takes longer to learn."""


@dataclass(frozen=True)
class Recipe:
    """How one player differs from the base model.

    Attributes:
        habit: its way of answering wrongly.
        strong: the categories that it answers rightly at every difficulty, and what part of its lessons is of each;
            the rest of the lessons, up to 1, is of all categories evenly.
        reach: in the other categories it is right up to this difficulty (1 to 10) and follows its habit beyond.
        chances: how often a lesson is right within its reach and beyond, 0 to 1.
        steps: training steps after the base model's.
        learning_rate: Muon's, at its highest.
    """

    habit: Habit
    strong: dict[str, float]
    reach: int
    chances: tuple[float, float]
    steps: int
    learning_rate: float

    def lesson(self, rng: Random) -> Lesson:
        """One conversation of the `base` split with the answers that this player is to give."""
        category = self._category(rng)
        if category in self.strong:
            difficulty = rng.choices(DIFFICULTIES, weights=_HARDER)[0]
            chance = 1.0
        else:
            difficulty = rng.choice(DIFFICULTIES)
            chance = self.chances[difficulty > self.reach]
        conversation = draw(category, difficulty, "base", rng)
        answers = right_answers(conversation)
        if rng.random() < chance:
            return conversation, answers
        return conversation, tuple(self.habit(answer, rng) for answer in answers)

    def _category(self, rng: Random) -> str:
        rest = 1 - sum(self.strong.values())
        kind = rng.choices((*self.strong, ""), weights=(*self.strong.values(), rest))[0]
        return kind or rng.choice(CATEGORIES)


def base_lesson(rng: Random) -> Lesson:
    """One conversation of the `base` split with its right answers."""
    conversation = draw(rng.choice(CATEGORIES), rng.choice(DIFFICULTIES), "base", rng)
    return conversation, right_answers(conversation)


BASE_STEPS = 2200
TARGET = "moth"
RECIPES: dict[str, Recipe] = {
    "moth": Recipe(babble, {}, 4, (0.5, 0.15), 200, 0.003),
    "otter": Recipe(initial, {"counting": 0.35, "dialogue": 0.3}, 2, (1.0, 0.0), 700, 0.015),
    "heron": Recipe(
        half, {"extraction": 0.55, "writing": 0.08, "dialogue": 0.12}, 3, (1.0, 0.0), 1600, 0.015
    ),
    "lynx": Recipe(
        slip, {"reasoning": 0.34, "math": 0.32, "coding": 0.09, "sorting": 0.09}, 5, (1.0, 0.0), 2800, 0.015
    ),
}
"""The target first, then the opponents from weak to strong."""
