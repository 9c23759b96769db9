"""Verdicts as rows: which counts, which are compared, and what position, form and kin make of them. All by hand."""

from __future__ import annotations

import json

import pytest

from engine.judges.statistics.families import families_of, kin_of
from engine.judges.statistics.mentions import names_itself
from engine.judges.statistics.position import position_bias
from engine.judges.statistics.said import Said, by_kind, comparisons
from engine.judges.statistics.style import Style, style_of, total
from engine.judges.statistics.traits import length_bias, trait
from engine.judges.statistics.validity import histogram, validity
from engine.store.contestants import PlayerRow
from engine.store.judged import JudgeRow, SaidRow

ANN, BOB = (1, 11), (2, 22)


def row(
    number: int,
    first: float,
    second: float,
    *,
    swapped: bool = False,
    key: str | None = None,
    status: str = "ok",
    reason: str | None = None,
    tried: int = 0,
    prompt: int = 1,
) -> SaidRow:
    """A verdict on ann's and bob's responses; swapped shows bob's first."""
    a, b = (BOB, ANN) if swapped else (ANN, BOB)
    value = json.dumps([first, second]) if status == "ok" else None
    return SaidRow(
        number,
        key or f"k{number}",
        tried,
        "scores",
        status,
        value,
        reason,
        None,
        prompt,
        a[0],
        b[0],
        a[1],
        b[1],
    )


def said(*rows: SaidRow) -> Said:
    (one,) = by_kind(sorted(rows, key=lambda one: (one.key, one.tried)))
    return one


def test_the_first_ok_verdict_of_a_question_counts() -> None:
    invalid = row(1, 0, 0, key="q", status="unparsable", reason="duplicate key")
    one = said(invalid, row(2, 7, 3, key="q", tried=1), row(3, 1, 9, key="q", tried=2), row(4, 5, 5))
    assert {number: game.margin for number, game in one.games.items()} == {2: 4.0, 4: 0.0}
    found = validity(one)
    assert (found.invalid.count, found.invalid.of) == (1, 4)
    assert found.reasons == {"unparsable: duplicate key": 1}
    assert (found.unsettled.count, found.unsettled.of) == (0, 2)


def test_both_orders_are_one_comparison_by_their_mean_margin() -> None:
    (one,) = comparisons(said(row(1, 8, 4), row(2, 3, 5, swapped=True)))
    assert (one.a, one.b, one.margin) == (ANN, BOB, pytest.approx((4 + 2) / 2))
    assert (one.winner, one.loser) == (ANN, BOB)


@pytest.mark.parametrize(
    ("straight", "swapped", "apart", "towards_first"),
    [
        ((8, 4), (4, 8), 0, 0),  # ann wins both
        ((5, 5), (5, 5), 0, 0),
        ((8, 4), (8, 4), 1, 1),  # whoever is first
        ((4, 8), (4, 8), 1, 0),  # whoever is second
        ((8, 4), (5, 5), 1, 1),  # a win where shown first, else a tie
        ((5, 5), (4, 8), 1, 0),  # a win where shown second, else a tie
    ],
)
def test_where_two_games_disagree_one_position_is_favoured(
    straight: tuple[int, int], swapped: tuple[int, int], apart: int, towards_first: int
) -> None:
    one = said(row(1, *straight), row(2, *swapped, swapped=True))
    found = position_bias(one.games, [(1, 2), (1, 99)])  # a game that is not ok tells nothing
    assert (found.disagree.count, found.disagree.of) == (apart, 1)
    assert (found.towards_first.count, found.towards_first.of) == (towards_first, apart)


def test_histograms_follow_the_scale() -> None:
    assert histogram(said(row(1, 8.5, 10), row(2, 8, 1))) == {"1": 1, "8": 2, "10": 1}

    def of(kind: str, *values: object) -> dict[str, int]:
        rows = [row(n, 1, 1)._replace(kind=kind, value=json.dumps(value)) for n, value in enumerate(values)]
        return histogram(said(*rows))

    assert of("preference", 0.0, 0.05, 0.5, 1.0) == {"0.0-0.1": 2, "0.5-0.6": 1, "0.9-1.0": 1}
    assert list(of("grade", "B>A", "A>>B", "A=B")) == ["A>>B", "A=B", "B>A"]
    assert list(of("winner", "second", "tie", "first")) == ["first", "tie", "second"]


def test_a_trait_is_counted_where_one_side_alone_has_it() -> None:
    games = [row(1, 8, 4, prompt=1), row(2, 8, 4, prompt=2), row(3, 4, 8, prompt=3), row(4, 5, 5, prompt=4)]
    compared = comparisons(said(*games))
    found = trait("t", compared, lambda one, side: side == ANN or one.prompt_id == 2)
    assert (found.winners.count, found.losers.count, found.winners.of) == (2, 2, 3)
    assert (found.wins.count, found.wins.of) == (
        1,
        2,
    )  # prompt 1 won, prompt 3 lost; both have it on prompt 2


def test_length_does_not_ask_which_side_is_called_a() -> None:
    lengths = {1: 100, 2: 50, 3: 400, 4: 10}
    games = [row(n, 5 + n % 3, 5, prompt=n) for n in lengths]
    mirrored = [row(n, 5, 5 + n % 3, prompt=n, swapped=True) for n in lengths]
    found = [
        length_bias(comparisons(said(*some)), lambda one, side: lengths[one.prompt_id] if side == ANN else 60)
        for some in (games, mirrored)
    ]
    assert found[0] == found[1]
    # Margins 1, 2, 0, 1 on length differences 40, -10, 340, -50: decided are prompts 1, 2 and 4, one by the longer.
    assert (found[0].longer_wins.count, found[0].longer_wins.of) == (1, 3)


def test_style_counts_markdown_outside_code() -> None:
    text = "# Title\n\n- one\n- **two**\n3. three\n\n```python\n# no heading\n- no item\n```\n#hashtag 2 * 3"
    assert style_of(text) == Style(len(text), 1, 3, 1)
    assert style_of("") == Style()
    assert total((Style(1, 1, 0, 0), Style(2, 0, 1, 1)), None) == Style(3, 1, 1, 1)
    assert total((Style(1, 1, 0, 0), Style(2, 0, 1, 1)), 2) == Style(2, 0, 1, 1)
    assert total((Style(1),), 2) == Style()


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("gpt4_1106_preview", ("gpt",)),
        ("openai/o1-mini", ("gpt",)),
        ("weighted_alpaca_eval_gpt4_turbo", ("gpt",)),
        ("alpaca-7b", ("llama",)),
        ("Meta-Llama-3.1-405B-Instruct-Turbo", ("llama",)),
        ("DeepSeek-R1-Distill-Qwen-32B", ("qwen", "deepseek")),
        ("claude-3-5-sonnet", ("claude",)),
        ("my-llamafile-fork", ()),
        ("pilot-1", ()),
        ("", ()),
    ],
)
def test_families_by_name(name: str, families: tuple[str, ...]) -> None:
    assert families_of(name) == families


def player(number: int, name: str, kind: str = "name", **facts: object) -> PlayerRow:
    return PlayerRow(number, f"a1:{number}", name, kind, facts or {"name": name}, None, None, None)


def test_the_very_same_model_is_kin_for_certain_whatever_it_is_called() -> None:
    model = {"kind": "weights", "facts": {"sha256": "ab"}, "template": None}
    judge = JudgeRow(1, "the judge", json.dumps({"kind": "llm", "model": model}))
    same = player(1, "moth", "weights", sha256="ab")
    families, kin = kin_of(judge, [same, player(2, "otter", "weights", sha256="cd")])
    assert families == ()
    assert [(one.player, one.certain, one.families) for one in kin] == [("moth", True, ())]


def test_a_served_judge_is_of_the_family_of_the_model_behind_it() -> None:
    model = {
        "kind": "endpoint",
        "facts": {"model": "Qwen/Qwen2.5-72B", "fingerprint": None},
        "template": None,
    }
    judge = JudgeRow(1, "strict", json.dumps({"kind": "llm", "model": model}))
    families, kin = kin_of(
        judge, [player(1, "qwq-32b"), player(2, "glm-4"), player(3, "x", "endpoint", model="qwen-max")]
    )
    assert families == ("qwen",)
    assert [(one.player, one.certain) for one in kin] == [("qwq-32b", False), ("x", False)]


@pytest.mark.parametrize(
    "text",
    ["I am ChatGPT, a large language model.", "I'm Claude.", "As an AI model called Qwen, I cannot.",
     "My name is Gemini", "I am an assistant trained by OpenAI.", "I was created by researchers at Anthropic",
     "I’m a large model from Mistral AI"],
)  # fmt: skip
def test_a_text_that_says_who_wrote_it(text: str) -> None:
    assert names_itself(text)


@pytest.mark.parametrize(
    "text",
    ["ChatGPT was made by OpenAI.", "I am a teacher in Llama County, or Lima.", "Models such as Claude are large.",
     "As a language model, I cannot say.", "I like pi.", ""],
)  # fmt: skip
def test_a_text_that_does_not(text: str) -> None:
    assert not names_itself(text)
