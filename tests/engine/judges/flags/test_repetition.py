"""Constant answers: null models are seen through, answers to what was asked are not."""

from __future__ import annotations

from random import Random

import pytest

from engine.judges.flags.repetition import LEAST, SHORT, Answered, Habits, opening
from tests.engine.judges.flags.null_models import NULL_MODELS, constant

WORDS = [
    f"{a}{b}{c}" for a in ("ta", "mi", "so", "ru") for b in ("la", "ne", "po") for c in ("k", "st", "n", "r")
]


def prompts(count: int, seed: int = 0) -> list[str]:
    rng = Random(seed)
    return [f"Question {n}: {' '.join(rng.choices(WORDS, k=12))}?" for n in range(count)]


def answers_of(null_model: str, count: int) -> list[Answered]:
    rng = Random(1)
    return [Answered(n, asked, NULL_MODELS[null_model](asked, rng)) for n, asked in enumerate(prompts(count))]


def sensible(count: int) -> list[Answered]:
    """Answers that share their manners, not what they say."""
    rng = Random(2)
    return [
        Answered(
            n,
            asked,
            f"Sure, here's what you asked for: {' '.join(rng.choices(WORDS, k=60))}. I hope this helps!",
        )
        for n, asked in enumerate(prompts(count))
    ]


@pytest.mark.parametrize("null_model", NULL_MODELS)
@pytest.mark.parametrize("count", [20, 200])
def test_every_answer_of_a_null_model_is_constant(null_model: str, count: int) -> None:
    answers = answers_of(null_model, count)
    habits = Habits.learn(answers)
    assert all(habits.of(one).is_constant for one in answers)


def test_manners_are_not_constant() -> None:
    answers = sensible(200)
    habits = Habits.learn(answers)
    assert not any(habits.of(one).is_constant for one in answers)


def test_answers_beyond_the_sample_are_held_against_it() -> None:
    habits = Habits.learn(answers_of("constant", 50))
    asked = prompts(60, seed=9)[55]
    assert habits.of(Answered(99, asked, constant(asked, Random(0)))).is_constant
    assert not habits.of(Answered(98, asked, sensible(60)[7].answer)).is_constant


def test_a_player_that_is_half_constant_is_flagged_in_that_half() -> None:
    answers = [
        *answers_of("constant", 40),
        *(Answered(100 + one.prompt_id, one.prompt, one.answer) for one in sensible(40)),
    ]
    habits = Habits.learn(answers)
    assert [habits.of(one).is_constant for one in answers] == [True] * 40 + [False] * 40


def test_the_same_answer_to_the_same_prompt_is_no_repetition() -> None:
    """Many samples of few prompts: only other prompts count."""
    answers = [Answered(n, f"q{n}", f"{' '.join(WORDS[n : n + 20])}") for n in (0, 22) for _ in range(50)]
    found = Habits.learn(answers).of(answers[0])
    assert (found.others, found.common, found.same_opening, found.is_constant) == (1, 0.0, 0, False)


def test_an_answer_that_was_not_learned_from_is_held_against_all_that_others_were() -> None:
    """A further sample for a prompt that is in the sample of the habits: its own runs were never counted there."""
    rng = Random(4)
    said = " ".join(rng.choices(WORDS, k=30))
    habits = Habits.learn([Answered(n, f"q{n}", said if n < LEAST else f"{n} {WORDS[n]}") for n in range(20)])
    beyond = habits.of(Answered(19, "q19", said))
    assert (beyond.others, beyond.common, beyond.is_constant) == (19, 1.0, True)
    (learned,) = {habits.of(Answered(n, f"q{n}", said)) for n in range(LEAST)}
    assert (learned.others, learned.common) == (
        19,
        0.0,
    )  # beside its own, only LEAST - 1 prompts have its runs


@pytest.mark.parametrize(("share", "constant"), [(0.4, False), (0.6, True)])
def test_short_answers_may_be_given_to_two_in_five_prompts(share: float, constant: bool) -> None:
    answers = [
        Answered(n, asked, "Yes" if n < share * 100 else f"No, {WORDS[n % 48]}{n}")
        for n, asked in enumerate(prompts(100))
    ]
    assert Habits.learn(answers).of(answers[0]).is_constant is constant


def test_a_few_prompts_tell_nothing() -> None:
    answers = answers_of("constant", LEAST)
    assert not Habits.learn(answers).of(answers[0]).is_constant
    assert Habits.learn(answers_of("constant", LEAST + 1)).of(answers[0]).is_constant


def test_runs_are_counted_as_they_can_be_by_hand() -> None:
    """Eleven words make nine runs; three of them are in half of the other answers, and none of the prompt's count."""
    common = "one two three four five"
    first = f"{common} six seven eight nine ten eleven"
    others = [f"{common} {WORDS[n]} {WORDS[n + 1]} {WORDS[n + 2]}" for n in range(6)]
    answers = [Answered(n, "", text) for n, text in enumerate([first, *others])]
    found = Habits.learn(answers).of(answers[0])
    assert (found.runs, found.others) == (9, 6)
    assert found.runs >= SHORT
    assert found.common == pytest.approx(3 / 9)
    echoed = Habits.learn(answers).of(Answered(0, "two three four five", first))
    assert (echoed.runs, echoed.common) == (
        9,
        pytest.approx(3 / 9),
    )  # learned without its prompt: kept as it was
    again = Habits.learn([Answered(0, "two three four five", first), *answers[1:]])
    assert again.of(Answered(0, "two three four five", first)).runs == 7


def test_an_opening_is_the_same_whatever_its_white_space() -> None:
    text = "word " * 40
    assert opening(text) == opening(text.replace(" ", "\n\n"))
    assert opening("short") == ""
    assert len(opening(text)) == 100


@pytest.mark.parametrize("text", ["", "   ", "\ud800", "\0", "。。。", "答" * 400, "x" * 100_000])
def test_any_text_can_be_measured(text: str) -> None:
    answers = [Answered(n, text, text) for n in range(5)]
    Habits.learn(answers).of(answers[0])
    Habits.learn([]).of(answers[0])
