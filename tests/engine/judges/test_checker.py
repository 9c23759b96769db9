"""The checker judge: computed scores, one game, keys that follow the checker's version."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.errors import PlanError, PluginError, UsageError
from engine.judges.base import JudgeSpec
from engine.judges.checker import POCKET_VERSION, CheckerJudge, load_checker
from engine.judges.reasons import Reason
from engine.records import Conversation, VerdictKind, VerdictStatus
from tests.engine.judges.asking import ask
from tests.engine.judges.shown import shown


@dataclass
class Marks:
    score: float
    turn_scores: tuple[float, ...] = ()
    explanation: str = "counted"


def count_words(conversation: Conversation, answers: list[str]) -> Marks | None:
    """A checker of a user's own: as many points as words."""
    if "cannot tell" in str(conversation.messages[0].content):
        return None
    return Marks(len(answers[0].split()))


def pocket(**entry: object) -> CheckerJudge:
    return CheckerJudge.from_plan("checker", JudgeSpec("checker", **entry))  # type: ignore[arg-type]


def own(function: str = "count_words") -> CheckerJudge:
    return pocket(options={"checker": f"{__name__}:{function}"})


def test_the_pocket_worlds_answers_are_checked() -> None:
    (verdict,) = ask(pocket(), shown("5", "4", "What is 2 + 3?"))
    assert (verdict.status, verdict.kind) == (VerdictStatus.OK, VerdictKind.SCORES)
    # 10 for the right answer; else 1 + 7 * (1 - 1 / 6), rounded
    assert verdict.value == (10.0, 7.0)
    assert verdict.explanation is not None
    assert verdict.explanation.startswith("First: Right: 5.\nSecond: Wrong: 4")
    assert verdict.raw is None


@pytest.mark.parametrize(
    ("question", "answer", "score"),
    [
        ("What is 2 + 3?", "5", 10),
        ("What is 2 + 3?", " 5\n", 10),
        ("What is 2 + 3?", "4", 7),
        ("What is 2 + 3?", "500", 1),
        ("What is 2 + 3?", "", 1),
        ("Write abcd backwards.", "dcba", 10),
        ("Write abcd backwards.", "dcbb", 6),  # 1 + 7 * 3/4 = 6.25
        ("Write abcd backwards.", "abcd", 1),
        ("Write abcd in capitals.", "ABC", 6),
    ],
)
def test_scores_of_the_pocket_checker_are_those_of_its_version(
    question: str, answer: str, score: float
) -> None:
    """When one of these changes on purpose, POCKET_VERSION goes up, so that verdicts of two kinds never mix."""
    assert POCKET_VERSION == "1"
    (verdict,) = ask(pocket(), shown(answer, answer, question))
    assert verdict.value == (score, score)


def test_several_turns_and_one_of_them() -> None:
    prompt = Conversation.of("Write ab.", "Now write it backwards.")
    whole, second = (shown(["ab", "xx"], ["ab", "ba"], prompt, turn) for turn in (None, 2))
    (of_whole, of_second) = ask(pocket(), whole, second)
    assert of_whole.value == (5.5, 10.0)
    assert (of_second.value, of_second.turn) == ((1.0, 10.0), 2)


def test_a_missing_answer_counts_as_an_empty_one() -> None:
    prompt = Conversation.of("Write ab.", "Now write it backwards.")
    assert ask(pocket(), shown(["ab"], ["ab", ""], prompt))[0].value == (5.5, 5.5)


def test_a_prompt_from_elsewhere_is_not_checkable() -> None:
    (verdict,) = ask(pocket(), shown("a", "b", "Write me a poem."))
    assert (verdict.status, verdict.reason) == (VerdictStatus.FAILED, Reason.NOT_CHECKABLE.value)


def test_a_function_of_ones_own() -> None:
    verdicts = ask(own(), shown("one two", "one"), shown("a", "b", "cannot tell"))
    assert verdicts[0].value == (2.0, 1.0)
    assert verdicts[1].reason == Reason.NOT_CHECKABLE.value


def raises(conversation: Conversation, answers: list[str]) -> Marks:
    raise KeyError("oops")


def too_high(conversation: Conversation, answers: list[str]) -> Marks:
    return Marks(11)


def not_a_number(conversation: Conversation, answers: list[str]) -> Marks:
    return Marks(float("nan"))


@pytest.mark.parametrize("function", ["raises", "too_high", "not_a_number"])
def test_a_checker_that_fails_is_named(function: str) -> None:
    with pytest.raises(PluginError, match=f"{function}' of judge 'checker' failed") as caught:
        ask(own(function), shown())
    assert "p1:p" in caught.value.text


def test_the_key_follows_checker_and_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    keys = {pocket().key(), pocket(games=2).key(), own().key()}
    for number, module in enumerate(("mine_a", "mine_b")):
        (tmp_path / f"{module}.py").write_text(f"def check(conversation, answers):\n    return {number}\n")
    checkers = [load_checker(f"{module}:check") for module in ("mine_a", "mine_b")]
    assert len(keys) == 2
    assert checkers[0].version != checkers[1].version
    assert pocket().facts() == {"kind": "checker", "checker": "pocket", "version": POCKET_VERSION}


def test_questions_are_keyed_by_what_is_compared() -> None:
    judge = pocket()
    assert judge.games == 1
    one = judge.question(shown())
    assert one.messages == ()
    assert one.key == judge.question(shown("other words under the same keys")).key
    assert one.key != judge.question(shown(["a"], ["b"], turn=1)).key


@pytest.mark.parametrize(
    ("entry", "error", "match"),
    [
        ({"options": {"checker": "nothing"}}, UsageError, "no checker 'nothing'"),
        ({"options": {"checker": "no.such.module:f"}}, PluginError, "cannot be imported"),
        ({"options": {"checker": f"{__name__}:absent"}}, UsageError, "no function 'absent'"),
        ({"options": {"checker": "math:sqrt"}}, UsageError, "no source file"),
        ({"options": {"chekcer": "pocket"}}, PlanError, "chekcer"),
        ({"template": "brief"}, UsageError, "means nothing to a judge of kind 'checker'"),
    ],
)
def test_wrong_entries(entry: dict[str, object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        pocket(**entry)


def test_many_are_graded_without_holding_up_the_event_loop() -> None:
    async def grading() -> int:
        judge, turns = pocket(), 0

        async def other_work() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other_work())
        game = judge.question(shown("5", "4", "What is 2 + 3?"))
        count = [verdict.status async for _, verdict in judge.judge([game] * 1000)].count(VerdictStatus.OK)
        task.cancel()
        assert turns > 10
        return count

    assert asyncio.run(grading()) == 1000
