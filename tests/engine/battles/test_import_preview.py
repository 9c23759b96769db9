"""A look at an import before it is made: what would land, as it would land."""

from __future__ import annotations

import pytest

from engine.battles.import_preview import HEAD, preview_rows
from engine.formats.rows import (
    BattleRow,
    FilledPrompt,
    Layout,
    PromptRef,
    ResponseRow,
    Row,
    SetAside,
    SingleRow,
)
from engine.records import Conversation, Game, OutcomeRule, Prompt, Turn, Verdict, VerdictKind, VerdictStatus

LAYOUT = Layout("votes", {}, "log", "set")


def winner(said: str, *, swapped: bool = False) -> Game:
    return Game(swapped, Verdict(VerdictKind.WINNER, VerdictStatus.OK, said))


def fight(*games: Game, prompt: Prompt | PromptRef | None = None) -> BattleRow:
    return BattleRow(prompt or PromptRef("set", "q1"), "ann", "bob", games, "crowd")


def question(name: str, text: str) -> Prompt:
    return Prompt(name, Conversation.of(text), "set")


def test_battles_are_shown_before_the_prompts_that_they_are_of() -> None:
    rows: list[Row] = [question(f"q{n}", f"how\n much is {n}?") for n in range(5)]
    rows += [fight(winner("first")), fight(winner("second")), SetAside("bad", "f", 3, "x")]
    preview = preview_rows(rows, LAYOUT)
    assert preview.rows == {"prompts": 5, "battles": 2}
    assert preview.kind == "battles"
    assert [(row["model_a"], row["model_b"], row["winner"], row["prompt"]) for row in preview.first] == [
        ("ann", "bob", "model_a", "how much is 1?"),
        ("ann", "bob", "model_b", "how much is 1?"),
    ]
    assert [(group.reason, group.rows) for group in preview.set_aside] == [("bad", 1)]


@pytest.mark.parametrize(
    ("games", "rule", "won", "state"),
    [
        ((winner("first"), winner("second", swapped=True)), OutcomeRule.STRICT, "model_a", "decided"),
        ((winner("first"), winner("first", swapped=True)), OutcomeRule.MEAN_MARGIN, "tie", "decided"),
        ((winner("first"), winner("tie", swapped=True)), OutcomeRule.STRICT, "tie", "decided"),
        ((winner("first"), winner("tie", swapped=True)), OutcomeRule.MEAN_MARGIN, "model_a", "decided"),
        (
            (Game(False, Verdict(VerdictKind.WINNER, VerdictStatus.UNPARSABLE)),),
            OutcomeRule.STRICT,
            None,
            "waiting",
        ),
        ((), OutcomeRule.MEAN_MARGIN, None, "waiting"),
    ],
)
def test_the_winner_is_what_the_rule_makes_of_the_games(
    games: tuple[Game, ...], rule: OutcomeRule, won: str | None, state: str
) -> None:
    (row,) = preview_rows([fight(*games)], LAYOUT, rule).first
    assert (row["winner"], row["state"]) == (won, state)


def test_what_there_is_most_telling_of_is_shown() -> None:
    score = SingleRow(
        PromptRef("set", "q1"), "ann", Verdict(VerdictKind.SINGLE, VerdictStatus.OK, 7.0), "crowd"
    )
    answer = ResponseRow(PromptRef("set", "q1"), "ann", (Turn("forty-two"),))
    rows: list[Row] = [FilledPrompt(question("q1", "what?")), answer, score]
    assert [row["score"] for row in preview_rows(rows, LAYOUT).first] == [7.0]
    assert [(row["response"], row["prompt"]) for row in preview_rows(rows[:2], LAYOUT).first] == [
        ("forty-two", "what?")
    ]
    assert [(row["question_id"], row["turns"]) for row in preview_rows(rows[:1], LAYOUT).first] == [("q1", 1)]
    nothing = preview_rows([], LAYOUT)
    assert (nothing.kind, nothing.first, nothing.rows) == (None, (), {})


@pytest.mark.parametrize("text", ["x" * 5_000_000, "word " * 100_000, " " * 100_000 + "late"])
def test_a_long_prompt_is_cut_with_a_mark(text: str) -> None:
    (row,) = preview_rows([fight(winner("tie"), prompt=question("q", text))], LAYOUT).first
    assert len(row["prompt"]) <= HEAD
    assert row["prompt"].endswith("…")
    assert row["prompt"][:-1] in " ".join(text.split())


def test_a_prompt_that_is_only_named_has_no_text() -> None:
    (row,) = preview_rows([fight(winner("tie"))], LAYOUT).first
    assert (row["question_id"], row["prompt"]) == ("q1", None)
