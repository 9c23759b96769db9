from __future__ import annotations

import csv
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.formats.arena_hard import ArenaHard
from engine.formats.replies import Reply
from engine.formats.rows import BattleRow, PromptRef, ResponseRow, Row, SetAside
from engine.records import Conversation, Game, Prompt, Turn, VerdictKind, VerdictStatus
from tests.engine.formats.broken import Rows, broken
from tests.engine.formats.importing import Imported, run, write_jsonl

JUDGE = "DeepSeek-R1-Distill-Llama-70B"
# Preference for what was shown first, in five grades.
GRADE = {"A>>B": 2, "A>B": 1, "A=B": 0, "B>A": -1, "B>>A": -2}

OLD_QUESTIONS: Rows = [
    {
        "question_id": f"q{i}",
        "category": "arena-hard-v0.1",
        "cluster": "c",
        "turns": [{"content": f"Do {i}."}],
    }
    for i in range(3)
]
NEW_QUESTIONS: Rows = [
    {"uid": f"q{i}", "category": category, "subcategory": "coding", "prompt": f"Do {i}."}
    for i, category in enumerate(["hard_prompt", "creative_writing", "hard_prompt"])
]
OLD_ANSWERS: Rows = [
    {
        "question_id": f"q{i}",
        "model_id": "org/m",
        "choices": [{"index": 0, "turns": [{"content": f"Did {i}.", "token_len": 4}]}],
    }
    for i in range(3)
]
NEW_ANSWERS: Rows = [
    {
        "uid": f"q{i}",
        "model": "m",
        "messages": [
            {"role": "user", "content": f"Do {i}."},
            {"role": "assistant", "content": {"answer": f"Did {i}."}},
        ],
    }
    for i in range(3)
]
OLD_JUDGMENTS: Rows = [
    {
        "question_id": f"q{i}",
        "model": "org/m",
        "judge": "j",
        "games": [
            {"user_prompt": "?", "judgment": "<think>A>>B?</think>\n[[A>B]]", "score": "A>B"},
            {"user_prompt": "?", "judgment": "[[B>>A]]", "score": second},
        ],
    }
    for i, second in enumerate(["B>>A", "A=B", None])
]
NEW_JUDGMENTS: Rows = [
    {
        "uid": f"q{i}",
        "category": "hard_prompt",
        "judge": "j",
        "model": "m",
        "baseline": "base",
        "games": [
            {"score": "A>B", "judgment": {"answer": "[[A>B]]"}, "prompt": []},
            {"score": "B>A", "judgment": {"answer": "[[B>A]]"}, "prompt": []},
        ],
    }
    for i in range(3)
]
OLD: dict[str, tuple[str, Rows, type[Row]]] = {
    "questions": ("question.jsonl", OLD_QUESTIONS, Prompt),
    "answers": ("model_answer/m.jsonl", OLD_ANSWERS, ResponseRow),
    "judgments": ("model_judgment/j/m.jsonl", OLD_JUDGMENTS, BattleRow),
}
NEW: dict[str, tuple[str, Rows, type[Row]]] = {
    "questions": ("question.jsonl", NEW_QUESTIONS, Prompt),
    "answers": ("model_answer/m.jsonl", NEW_ANSWERS, ResponseRow),
    "judgments": ("model_judgment/j/m.jsonl", NEW_JUDGMENTS, BattleRow),
}


def bench(root: Path, files: dict[str, tuple[str, Rows, type[Row]]], **changed: Rows) -> Path:
    for name, (place, rows, _) in files.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        write_jsonl(path, changed.get(name, rows))
    return root


def judged(root: Path, **changed: Any) -> BattleRow:
    """The battle of one judgment of the old layout, some of its fields changed."""
    return run(ArenaHard(), bench(root, OLD, judgments=[OLD_JUDGMENTS[0] | changed])).battles[0]


@pytest.fixture(scope="module")
def imported(test_data: Path) -> Imported:
    return run(ArenaHard(), test_data / "arena_hard" / "arena-hard-v0.1_old_layout")


def margin(game: Game) -> int:
    """Of b, the model, over a, the baseline."""
    shown_first = GRADE[str(game.verdict.value)]
    return shown_first if game.swapped else -shown_first


def sign(number: float) -> int:
    return (number > 0) - (number < 0)


def figures(battles: list[BattleRow]) -> dict[str, float]:
    """expected_judgments.csv from its README: win share 1, 0.5, 0; a question counts when both games are valid."""
    games = [game for battle in battles for game in battle.games]
    valid = [game for game in games if game.verdict.status is VerdictStatus.OK]
    both = [b.games for b in battles if all(g.verdict.status is VerdictStatus.OK for g in b.games)]
    wins = {-1: 0.0, 0: 0.5, 1: 1.0}
    weighted = [wins[sign(margin(g))] for g in valid for _ in range(3 if abs(margin(g)) == 2 else 1)]
    means = Counter(sign(sum(map(margin, pair))) for pair in both)
    strict = Counter(sign(margin(x)) if sign(margin(x)) == sign(margin(y)) else 0 for x, y in both)
    return {
        "questions": len(battles),
        "games": len(games),
        "invalid_games": len(games) - len(valid),
        "questions_with_an_invalid_game": len(battles) - len(both),
        "first_shown_wins": sum(GRADE[str(g.verdict.value)] > 0 for g in valid),
        "second_shown_wins": sum(GRADE[str(g.verdict.value)] < 0 for g in valid),
        "ties_games": sum(g.verdict.value == "A=B" for g in valid),
        "win_share_per_valid_game": fmean(wins[sign(margin(g))] for g in valid),
        "win_share_weight3": fmean(weighted),
        "questions_both_valid": len(both),
        "games_agree_in_sign": sum(sign(margin(x)) == sign(margin(y)) for x, y in both),
        **{f"mean_margin_{n}": means[s] for n, s in (("wins", 1), ("losses", -1), ("ties", 0))},
        **{f"strict_{n}": strict[s] for n, s in (("wins", 1), ("losses", -1), ("ties", 0))},
        "judgments_with_think": sum("</think>" in str(g.verdict.raw) for g in games),
    }


class TestPublished:
    def test_judgments(self, imported: Imported, test_data: Path) -> None:
        with (test_data / "arena_hard" / "expected_judgments.csv").open() as stream:
            expected = list(csv.DictReader(stream))
        assert {row["model"] for row in expected} == {b.model_b for b in imported.battles}
        for row in expected:
            battles = [b for b in imported.battles if b.model_b == row["model"]]
            assert {b.model_a for b in battles} == {row["baseline"]}
            assert {b.judge for b in battles} == {JUDGE}
            wanted = {k: float(v) for k, v in row.items() if k not in ("model", "baseline")}
            assert figures(battles) == pytest.approx(wanted, abs=1e-6)

    def test_everything_is_taken(self, imported: Imported) -> None:
        kinds = Counter(type(row).__name__ for row in imported.rows)
        assert kinds == {"Prompt": 500, "ResponseRow": 220, "BattleRow": 170}
        assert imported.layout.arena == imported.layout.set_name == "arena-hard-v0.1"

    def test_judgments_and_answers_have_one_name(self, imported: Imported) -> None:
        answered = {(row.model, row.prompt.name) for row in imported.responses}
        for battle in imported.battles:
            assert (battle.model_a, battle.prompt.name) in answered
            assert (battle.model_b, battle.prompt.name) in answered

    def test_a_grade_stands_after_the_thinking(self, imported: Imported) -> None:
        """Two replies end while the judge still thinks: nothing of them is an explanation."""
        games = [game for battle in imported.battles for game in battle.games]
        unclosed = [g for g in games if "</think>" not in str(g.verdict.raw)]
        assert [(g.verdict.explanation, g.verdict.value) for g in unclosed] == [(None, None)] * 2
        for battle in imported.battles:
            for game in battle.games:
                if game.verdict.status is VerdictStatus.OK:
                    assert f"[[{game.verdict.value}]]" in str(game.verdict.explanation)
                assert "</think>" not in str(game.verdict.explanation)

    @pytest.mark.parametrize(
        ("folder", "name", "prompts", "responses", "categories"),
        [
            ("arena-hard-v0.1", "arena-hard-v0.1", 500, 220, {"arena-hard-v0.1"}),
            ("arena-hard-v2.0", "arena-hard-v2.0", 150, 150, {"hard_prompt", "creative_writing"}),
        ],
    )
    def test_the_new_layout(
        self, test_data: Path, folder: str, name: str, prompts: int, responses: int, categories: set[str]
    ) -> None:
        imported = run(ArenaHard(), test_data / "arena_hard" / folder)
        assert (len(imported.prompts), len(imported.responses)) == (prompts, responses)
        assert not imported.reasons
        assert {prompt.category for prompt in imported.prompts} == categories
        assert (imported.layout.set_name, imported.layout.arena) == (name, None)

    def test_both_layouts_have_the_same_prompts(self, imported: Imported, test_data: Path) -> None:
        new = run(ArenaHard(), test_data / "arena_hard" / "arena-hard-v0.1")
        texts = {(p.set_name, p.name): p.conversation for p in new.prompts}
        assert {(p.set_name, p.name): p.conversation for p in imported.prompts} == texts


@pytest.mark.parametrize(("layout", "name"), [(OLD, "arena-hard-v0.1"), (NEW, "arena-hard-v2.0")])
def test_layouts(tmp_path: Path, layout: dict[str, tuple[str, Rows, type[Row]]], name: str) -> None:
    imported = run(ArenaHard(), bench(tmp_path, layout))
    assert [type(row) for row in imported.rows] == [Prompt] * 3 + [ResponseRow] * 3 + [BattleRow] * 3
    assert imported.prompts[2].conversation == Conversation.of("Do 2.")
    said = replace(imported.responses[2], file=Path(imported.responses[2].file).name)
    assert said == ResponseRow(PromptRef(name, "q2"), "m", (Turn("Did 2."),), line=3, file="m.jsonl")
    assert imported.layout.set_name == name
    assert {(b.model_b, b.judge) for b in imported.battles} == {("m", "j")}


def test_games_are_as_shown(tmp_path: Path) -> None:
    """The baseline is a and is shown first in game 1; grades are not mapped back."""
    battles = run(ArenaHard(), bench(tmp_path, OLD)).battles
    assert {b.model_a for b in battles} == {"gpt-4-0314"}
    assert [[(g.swapped, g.verdict.value) for g in b.games] for b in battles] == [
        [(False, "A>B"), (True, "B>>A")],
        [(False, "A>B"), (True, "A=B")],
        [(False, "A>B"), (True, None)],
    ]
    invalid = battles[2].games[1].verdict
    assert (invalid.kind, invalid.status) == (VerdictKind.GRADE, VerdictStatus.UNPARSABLE)
    assert (invalid.reason, invalid.raw) == ("no verdict in the reply", "[[B>>A]]")


def test_thinking_is_kept_apart(tmp_path: Path) -> None:
    verdict = judged(tmp_path).games[0].verdict
    assert (verdict.thinking, verdict.explanation) == ("A>>B?", "[[A>B]]")
    assert verdict.raw == "<think>A>>B?</think>\n[[A>B]]"


class TestBaseline:
    def test_of_new_judgments_is_said(self, tmp_path: Path) -> None:
        imported = run(ArenaHard(), bench(tmp_path, NEW), extra={"baseline": "other"})
        assert {b.model_a for b in imported.battles} == {"base"}

    def test_can_be_named(self, tmp_path: Path) -> None:
        imported = run(ArenaHard(), bench(tmp_path, OLD), extra={"baseline": "other"})
        assert {b.model_a for b in imported.battles} == {"other"}

    def test_goes_by_category_as_upstream(self, tmp_path: Path) -> None:
        rows = [{k: v for k, v in row.items() if k not in ("baseline", "category")} for row in NEW_JUDGMENTS]
        battles = run(ArenaHard(), bench(tmp_path, NEW, judgments=rows)).battles
        assert [b.model_a for b in battles] == [
            "o3-mini-2025-01-31",
            "gemini-2.0-flash-001",
            "o3-mini-2025-01-31",
        ]

    def test_is_not_guessed(self, tmp_path: Path) -> None:
        rows = [row | {"category": "new"} for row in OLD_JUDGMENTS]
        imported = run(ArenaHard(), bench(tmp_path, OLD, judgments=rows))
        assert imported.reasons == {"no baseline, and none is known for its category": 3}

    def test_of_judgments_alone_is_that_of_v01(self, tmp_path: Path) -> None:
        imported = run(ArenaHard(), write_jsonl(tmp_path / "m.jsonl", OLD_JUDGMENTS))
        assert {b.model_a for b in imported.battles} == {"gpt-4-0314"}


class TestNames:
    def test_an_organisation_is_dropped_for_the_files_name(self, tmp_path: Path) -> None:
        battle = judged(tmp_path)
        assert battle.model_b == "m"
        assert battle.meta == {"model": "org/m"}

    def test_a_file_of_another_name_names_nothing(self, tmp_path: Path) -> None:
        imported = run(ArenaHard(), write_jsonl(tmp_path / "all.jsonl", OLD_JUDGMENTS))
        assert {b.model_b for b in imported.battles} == {"org/m"}

    def test_the_folder_names_the_judge_where_a_row_does_not(self, tmp_path: Path) -> None:
        assert judged(tmp_path, judge=None).judge == "j"


@pytest.mark.parametrize(
    ("score", "value"),
    [("A<B", "B>A"), ("A<<B", "B>>A"), ("B=A", "A=B"), ("B<A", "A>B"), ("B<<A", "A>>B"), ("A>>B", "A>>B")],
)
def test_grades_written_the_other_way_round(tmp_path: Path, score: str, value: str) -> None:
    games = [{"judgment": "", "score": score}]
    assert judged(tmp_path, games=games).games[0].verdict.value == value


@pytest.mark.parametrize(
    ("games", "reason"),
    [
        ([], "games are not one or two"),
        ([{"score": "A=B"}] * 3, "games are not one or two"),
        (["A>B"], "a game is no object"),
        ([{"score": "A wins"}], "score is no grade"),
        ([{"score": 1}], "score is no grade"),
        ([{"score": "A=B", "judgment": 7}], "judgment is not text"),
    ],
)
def test_games_that_cannot_be_used(tmp_path: Path, games: list[Any], reason: str) -> None:
    rows = [OLD_JUDGMENTS[0] | {"games": games}]
    assert run(ArenaHard(), bench(tmp_path, OLD, judgments=rows)).reasons == {reason: 1}


def test_a_game_that_failed_upstream_is_a_failed_verdict(tmp_path: Path) -> None:
    games = judged(tmp_path, games=[None, {"score": "B>A", "judgment": "x"}]).games
    assert [g.verdict.status for g in games] == [VerdictStatus.FAILED, VerdictStatus.OK]


def test_an_answer_to_something_else_is_set_aside(tmp_path: Path) -> None:
    rows = [NEW_ANSWERS[1] | {"uid": "q0"}]
    imported = run(ArenaHard(), bench(tmp_path, NEW, answers=rows))
    assert imported.reasons == {"its messages do not ask what the question asks": 1}


def test_answers_without_questions_bring_their_prompts(tmp_path: Path) -> None:
    imported = run(ArenaHard(), write_jsonl(tmp_path / "m.jsonl", NEW_ANSWERS))
    assert imported.responses[1].prompt == Prompt("q1", Conversation.of("Do 1."), "arena-hard-v0.1")


def test_options_that_do_not_apply_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'baseline'"):
        run(ArenaHard(), bench(tmp_path, OLD), extra={"baselin": "x"})
    with pytest.raises(UsageError, match="--map"):
        run(ArenaHard(), bench(tmp_path, OLD), mapping={"a": "b"})


@pytest.mark.parametrize("layout", [OLD, NEW], ids=["old", "new"])
@pytest.mark.parametrize("file", OLD)
def test_broken_rows_are_taken_or_set_aside(
    layout: dict[str, tuple[str, Rows, type[Row]]], file: str
) -> None:
    place, good, kind = layout[file]

    @given(broken(good))
    @settings(max_examples=50, deadline=None)
    def check(rows: Rows) -> None:
        with tempfile.TemporaryDirectory() as folder:
            imported = run(ArenaHard(), bench(Path(folder), layout, **{file: rows}))
        aside = [row for row in imported.of(SetAside) if row.file.endswith(place)]
        assert len(imported.of(kind)) + len(aside) == len(rows)

    check()


class TestReplies:
    @pytest.mark.parametrize(
        ("raw", "thinking", "explanation"),
        [
            (None, None, None),
            ("[[A>B]] ", None, "[[A>B]] "),
            ("\n<think>\nhm\n</think>\n\n[[A>B]]", "hm", "[[A>B]]"),
            ("hm</think>[[A>B]]", "hm", "[[A>B]]"),
            ("<think>hm", "hm", None),
            ("<think>a</think>b<think>c</think>d", "a\nc", "b\nd"),
            ("<think>a</think>b<think>c", "a\nc", "b"),
            ("<think></think>b", None, "b"),
        ],
    )
    def test_parts(self, raw: str | None, thinking: str | None, explanation: str | None) -> None:
        assert Reply.of(raw) == Reply(raw, explanation, thinking)

    @given(st.lists(st.sampled_from(["<think>", "</think>", "a", " ", "\n"]), max_size=8))
    def test_the_whole_reply_is_kept_and_no_word_is_lost(self, parts: list[str]) -> None:
        reply = Reply.of("".join(parts))
        assert reply.raw == "".join(parts)
        words = (reply.thinking or "") + (reply.explanation or "")
        assert words.count("a") == parts.count("a")
