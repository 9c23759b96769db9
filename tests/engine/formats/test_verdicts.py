from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.formats.export import Column, ColumnKind, ExportFormat, export_rows
from engine.formats.rows import BattleRow, PromptRef, SetAside, SingleRow
from engine.formats.verdicts import VerdictsImporter
from engine.formats.verdicts.games import join_games
from engine.records import Conversation, Game, Turn, Verdict, VerdictKind, VerdictStatus
from tests.engine.formats.broken import Rows, broken
from tests.engine.formats.importing import Imported, run, write_csv, write_jsonl, write_parquet

NAMES = {"question_id": "q1", "model_a": "x", "model_b": "y", "judge": "j"}
SCORES: Rows = [NAMES | {"question_id": f"q{i}", "score_a": 7 + i, "score_b": 4} for i in range(3)]
EXPORTED: Rows = [
    {
        "verdict_key": f"v1:{i}",
        "battle_key": f"b1:{i // 2}",
        "question_id": f"q{i // 2}",
        "prompt_set": "s",
        "model_a": "x",
        "model_b": "y",
        "swapped": bool(i % 2),
        "turn": None,
        "kind": "scores",
        "status": "ok",
        "value": [8, 3],
        "reason": None,
        "explanation": "Clear.",
        "raw": "{}",
        "thinking": None,
        "judge": "j",
        "category": "math",
        "arena": "night",
        "occurred_at": 5.0,
    }
    for i in range(4)
]
EXPORT_COLUMNS = [
    Column(name, kind)
    for kind, names in {
        ColumnKind.TEXT: "verdict_key battle_key question_id prompt_set model_a model_b kind status reason"
        " explanation raw thinking judge category arena",
        ColumnKind.BOOLEAN: "swapped",
        ColumnKind.INTEGER: "turn",
        ColumnKind.JSON: "value",
        ColumnKind.NUMBER: "occurred_at",
    }.items()
    for name in names.split()
]


def table(folder: Path, *rows: dict[str, Any]) -> Path:
    return write_jsonl(folder / "t.jsonl", rows)


def only(folder: Path, **columns: Any) -> Verdict:
    """The verdict of the only row."""
    (row,) = run(VerdictsImporter(), table(folder, NAMES | columns)).rows
    assert isinstance(row, BattleRow)
    return row.games[0].verdict


@pytest.mark.parametrize(
    ("columns", "kind", "value"),
    [
        ({"score_a": 7, "score_b": 4.5}, VerdictKind.SCORES, (7.0, 4.5)),
        ({"score_a": 7, "score_b": 4.5, "swapped": True}, VerdictKind.SCORES, (4.5, 7.0)),
        ({"score_a": 7, "score_b": 4.5, "game": 2}, VerdictKind.SCORES, (4.5, 7.0)),
        ({"score_a": "7", "score_b": "4.5", "swapped": "false"}, VerdictKind.SCORES, (7.0, 4.5)),
        ({"preference_b": 0.25}, VerdictKind.PREFERENCE, 0.25),
        ({"preference_b": 0.25, "swapped": 1}, VerdictKind.PREFERENCE, 0.75),
        ({"preference": 0.25, "swapped": True}, VerdictKind.PREFERENCE, 0.25),
        ({"grade": "A>>B", "swapped": True}, VerdictKind.GRADE, "A>>B"),
        ({"winner": "model_a"}, VerdictKind.WINNER, "first"),
        ({"winner": "model_a", "swapped": True}, VerdictKind.WINNER, "second"),
        ({"winner": "model_b", "swapped": True}, VerdictKind.WINNER, "first"),
        ({"winner": "tie", "swapped": True}, VerdictKind.WINNER, "tie"),
        ({"winner": "first", "swapped": True}, VerdictKind.WINNER, "first"),
        ({"kind": "scores", "value": [7, 4]}, VerdictKind.SCORES, (7.0, 4.0)),
        ({"kind": "scores", "value": "[7, 4]", "swapped": True}, VerdictKind.SCORES, (7.0, 4.0)),
        ({"kind": "winner", "value": "second"}, VerdictKind.WINNER, "second"),
        ({"kind": "winner", "value": '"second"'}, VerdictKind.WINNER, "second"),
        ({"kind": "grade", "value": "B>A"}, VerdictKind.GRADE, "B>A"),
        ({"kind": "preference", "value": 0.5}, VerdictKind.PREFERENCE, 0.5),
    ],
)
def test_every_kind_is_kept_as_shown(
    tmp_path: Path, columns: dict[str, Any], kind: VerdictKind, value: Any
) -> None:
    verdict = only(tmp_path, **columns)
    assert (verdict.kind, verdict.status, verdict.value) == (kind, VerdictStatus.OK, value)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"score_a": 7, "score_b": None}, "no score_b"),
        ({"score_a": 0, "score_b": 3}, "score_a is not in 1 to 10"),
        ({"score_a": 11, "score_b": 3}, "score_a is not in 1 to 10"),
        ({"preference": -0.1}, "preference is not in 0 to 1"),
        ({"grade": "A wins"}, "unknown grade"),
        ({"winner": "x"}, "unknown winner"),
        ({"winner": "tie", "swapped": "perhaps"}, "swapped is neither true nor false"),
        ({"winner": "tie", "game": 3}, "game is neither 1 nor 2"),
        ({"winner": "tie", "turn": 0}, "turn is not in 1 to inf"),
        ({"kind": "opinion", "value": 1}, "unknown kind"),
        ({"kind": "scores", "value": [7]}, "value is not two scores"),
        ({"kind": "winner", "value": "model_a"}, "unknown winner"),
        ({"kind": "winner", "value": None, "status": "ok"}, "its status does not fit its value"),
        ({"kind": "winner", "value": "tie", "status": "cut"}, "its status does not fit its value"),
        ({"winner": "tie", "status": "fine"}, "unknown status"),
        ({"winner": "tie", "judge": None}, "no judge"),
        ({"winner": "tie", "model_b": None}, "no model_b"),
        ({"winner": "tie", "question_id": None}, "no question_id"),
    ],
)
def test_what_cannot_be_used_is_set_aside(tmp_path: Path, columns: dict[str, Any], reason: str) -> None:
    imported = run(VerdictsImporter(), table(tmp_path, NAMES | columns))
    assert imported.reasons == {reason: 1}


def test_a_row_without_a_verdict_is_one_that_decides_nothing(tmp_path: Path) -> None:
    verdict = only(tmp_path, winner=None, raw="Both are nice.")
    assert (verdict.status, verdict.value) == (VerdictStatus.UNPARSABLE, None)
    assert (verdict.reason, verdict.raw) == ("no verdict in the row", "Both are nice.")


def test_an_invalid_verdict_keeps_its_status_and_reason(tmp_path: Path) -> None:
    verdict = only(tmp_path, kind="scores", value=None, status="refused", reason="policy")
    assert (verdict.kind, verdict.status, verdict.reason) == (
        VerdictKind.SCORES,
        VerdictStatus.REFUSED,
        "policy",
    )


def test_words_for_winners_can_be_said(tmp_path: Path) -> None:
    path = table(tmp_path, NAMES | {"choice": "better"})
    imported = run(VerdictsImporter(), path, mapping={"choice": "winner"}, values={"better": "model_b"})
    assert imported.battles[0].games[0].verdict.value == "second"


def test_scores_of_single_responses(tmp_path: Path) -> None:
    rows = [
        {"question_id": i, "model": "x", "score": s, "judge": "j", "turn": 2} for i, s in enumerate([9, None])
    ]
    singles = run(VerdictsImporter(), table(tmp_path, *rows)).of(SingleRow)
    assert [(s.prompt.name, s.verdict.value, s.verdict.turn) for s in singles] == [
        ("0", 9.0, 2),
        ("1", None, 2),
    ]


def test_prompts_and_responses_may_stand_in_the_row(tmp_path: Path) -> None:
    row = {name: value for name, value in NAMES.items() if name != "question_id"} | {
        "prompt": "Say hi.",
        "response_a": "hi",
        "response_b": ["ho"],
        "winner": "tie",
    }
    imported = run(VerdictsImporter(), table(tmp_path, row, row | {"judge": "k"}))
    (prompt,) = imported.prompts
    assert prompt.conversation == Conversation.of("Say hi.")
    assert {b.prompt.name for b in imported.battles} == {prompt.name}
    assert (imported.battles[0].response_a, imported.battles[0].response_b) == ((Turn("hi"),), (Turn("ho"),))


class TestGames:
    def test_two_orders_of_one_battle_are_its_games(self, tmp_path: Path) -> None:
        rows = [{**NAMES, "winner": "first", "game": game} for game in (1, 2)]
        (battle,) = run(VerdictsImporter(), table(tmp_path, *rows)).battles
        assert [(g.swapped, g.verdict.value) for g in battle.games] == [(False, "first"), (True, "first")]

    def test_the_second_order_may_come_first(self, tmp_path: Path) -> None:
        rows = [{**NAMES, "winner": "first", "game": game} for game in (2, 1)]
        (battle,) = run(VerdictsImporter(), table(tmp_path, *rows)).battles
        assert [g.swapped for g in battle.games] == [False, True]

    @pytest.mark.parametrize(
        "other",
        [{"game": 1}, {"judge": "k"}, {"question_id": "q2"}, {"model_b": "z"}, {"turn": 2}, {"arena": "n"}],
    )
    def test_others_are_battles_of_their_own(self, tmp_path: Path, other: dict[str, Any]) -> None:
        first = NAMES | {"winner": "first", "game": 1, "turn": 1, "arena": "m"}
        rows = [first, first | {"game": 2} | other]
        assert len(run(VerdictsImporter(), table(tmp_path, *rows)).battles) == 2

    def test_rows_that_say_no_order_are_never_joined(self, tmp_path: Path) -> None:
        rows = [NAMES | {"winner": "model_a"}] * 4
        assert [len(b.games) for b in run(VerdictsImporter(), table(tmp_path, *rows)).battles] == [1] * 4

    def test_games_of_a_named_battle_stand_together(self, tmp_path: Path) -> None:
        order = [EXPORTED[i] for i in (0, 2, 3, 1)]
        imported = run(VerdictsImporter(), table(tmp_path, *order))
        assert [len(b.games) for b in imported.battles] == [1, 2]
        assert imported.reasons == {"the games of its battle do not stand together": 1}

    def test_a_game_or_verdict_that_stands_twice_is_set_aside(self, tmp_path: Path) -> None:
        again = EXPORTED[1] | {"verdict_key": "v1:other"}
        imported = run(VerdictsImporter(), table(tmp_path, *EXPORTED[:2], again, *EXPORTED[2:]))
        assert imported.reasons == {"a game of its battle stands twice": 1}

    @given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=12))
    def test_no_game_is_lost_or_made(self, said: list[tuple[int, bool]]) -> None:
        verdict = Verdict(VerdictKind.WINNER, VerdictStatus.OK, "first")
        rows = [BattleRow(PromptRef("s", str(q)), "x", "y", (Game(s, verdict),), "j") for q, s in said]
        joined = list(join_games(rows))
        games = Counter(
            (b.prompt.name, g.swapped) for b in joined if isinstance(b, BattleRow) for g in b.games
        )
        assert games == Counter((str(q), s) for q, s in said)
        assert all(len(b.games) <= 2 for b in joined if isinstance(b, BattleRow))


class TestExport:
    @pytest.mark.parametrize("form", ExportFormat)
    def test_is_read_back(self, tmp_path: Path, form: ExportFormat) -> None:
        path = tmp_path / f"games.{form.value}"
        rows = [*EXPORTED, EXPORTED[0] | INVALID, EXPORTED[0] | SINGLE]
        assert export_rows(rows, EXPORT_COLUMNS, form, path) == len(rows)
        imported = run(VerdictsImporter(), path)
        assert not imported.reasons
        assert [(b.source_id, b.prompt, b.arena, b.category, b.occurred_at) for b in imported.battles] == [
            *((f"b1:{i}", PromptRef("s", f"q{i}"), "night", "math", 5.0) for i in range(2)),
            ("b1:9", PromptRef("s", "q0"), "night", "math", 5.0),
        ]
        assert [b.meta["verdict_keys"] for b in imported.battles] == [
            ["v1:0", "v1:1"],
            ["v1:2", "v1:3"],
            ["v1:9"],
        ]
        game = imported.battles[0].games[1]
        assert game == Game(
            True,
            Verdict(VerdictKind.SCORES, VerdictStatus.OK, (8.0, 3.0), explanation="Clear.", raw="{}"),
        )
        invalid = imported.battles[2].games[0].verdict
        assert (invalid.status, invalid.reason) == (VerdictStatus.UNPARSABLE, "no nonce")
        (single,) = imported.of(SingleRow)
        assert (single.model, single.verdict.value, single.verdict.turn) == ("x", 6.5, 2)


INVALID = {
    "verdict_key": "v1:9",
    "battle_key": "b1:9",
    "status": "unparsable",
    "value": None,
    "reason": "no nonce",
    "explanation": None,
}
SINGLE = {
    "verdict_key": "v1:s",
    "battle_key": None,
    "model_b": None,
    "swapped": None,
    "kind": "single",
    "value": 6.5,
    "turn": 2,
}


def test_a_file_that_says_no_verdicts_is_refused_with_all_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no table of verdicts") as error:
        run(VerdictsImporter(), table(tmp_path, {"a": 1}))
    for what in ("a verdict:", "the prompt:", "the models:", "columns: a"):
        assert what in str(error.value)


def test_csv_and_parquet_say_the_same_as_json_lines(tmp_path: Path) -> None:
    said = [run(VerdictsImporter(), table(tmp_path, *SCORES)).battles]
    said.append(run(VerdictsImporter(), write_csv(tmp_path / "t.csv", SCORES)).battles)
    said.append(run(VerdictsImporter(), write_parquet(tmp_path / "t.parquet", SCORES)).battles)
    games = [[(b.prompt, b.games) for b in battles] for battles in said]
    assert games[0] == games[1] == games[2]


@pytest.mark.parametrize("good", [SCORES, EXPORTED], ids=["scores", "exported"])
def test_broken_rows_are_taken_or_set_aside(good: Rows) -> None:
    @given(broken(good))
    @settings(max_examples=80, deadline=None)
    def check(rows: Rows) -> None:
        with tempfile.TemporaryDirectory() as folder:
            imported = run(VerdictsImporter(), table(Path(folder), *rows))
        games = sum(len(battle.games) for battle in imported.battles)
        assert games + len(imported.of(SingleRow)) + len(imported.of(SetAside)) == len(rows)

    check()


INSTANCE: dict[str, Any] = {"input": "Do it.", "output_1": "one", "output_2": "two", "label": 2}


@pytest.fixture(scope="module")
def llmbar(test_data: Path) -> Imported:
    return run(VerdictsImporter(), test_data / "llmbar")


class TestLlmBar:
    def test_every_judge_agrees_with_people_as_published(self, llmbar: Imported, test_data: Path) -> None:
        with (test_data / "llmbar" / "expected_judge_check.csv").open() as stream:
            expected = list(csv.DictReader(stream))
        label = {
            (b.category, b.source_id): b.games[0].verdict.value for b in llmbar.battles if b.judge == "human"
        }
        for row in expected:
            subset = row["set"].rpartition("/")[2]
            judged = [b for b in llmbar.battles if (b.category, b.judge) == (subset, row["evaluator"])]
            assert len(judged) == int(row["n"])
            right = [[winner_of(game) == label[b.category, b.source_id] for game in b.games] for b in judged]
            shown = Counter(game.verdict.value for b in judged for game in b.games)
            assert sum(one for one, _ in right) == int(row["correct_unswapped"])
            assert sum(two for _, two in right) == int(row["correct_swapped"])
            assert sum(one and two for one, two in right) == int(row["correct_in_both"])
            assert sum(one == two for one, two in right) == int(row["orders_agree"])
            assert (shown["first"], shown["second"]) == (
                int(row["first_shown_wins"]),
                int(row["second_shown_wins"]),
            )

    def test_everything_is_taken(self, llmbar: Imported) -> None:
        judges = Counter(b.judge for b in llmbar.battles)
        assert judges == {
            "human": 619,
            **{f"GPT-4/{prompt}": 419 for prompt in ("Vanilla", "Swap", "Rating")},
            "ChatGPT/Vanilla": 419,
        }
        assert not llmbar.reasons
        assert llmbar.layout.arena == "LLMBar"

    def test_the_last_result_counts(self, tmp_path: Path) -> None:
        def orders(one: str, two: str) -> dict[str, Any]:
            return {
                "swap = False": {"completion": [f"says {one}", "stop"], "winner": one},
                "swap = True": {"completion": [f"says {two}", "stop"], "winner": two},
            }

        row = INSTANCE | {"results": [orders("1", "2"), orders("2", "2")]}
        path = tmp_path / "result.json"
        path.write_text(json.dumps([row]))
        (battle,) = run(VerdictsImporter(), path, judge="j").battles
        assert [(g.swapped, g.verdict.value) for g in battle.games] == [(False, "second"), (True, "first")]
        assert battle.games[0].verdict.raw == "says 2"

    def test_results_out_of_place_need_a_judge(self, tmp_path: Path) -> None:
        path = tmp_path / "result.json"
        path.write_text(json.dumps([INSTANCE | {"results": []}]))
        with pytest.raises(UsageError, match="whose verdicts"):
            run(VerdictsImporter(), path)

    def test_a_folder_of_something_else_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="is a folder"):
            run(VerdictsImporter(), tmp_path)

    def test_broken_rows_are_taken_or_set_aside(self) -> None:
        game = {"completion": ["x", "stop"], "winner": "1"}
        results = [{"swap = False": game, "swap = True": game, "score_1": ["6", "stop"]}]
        good = [INSTANCE | {"input": f"Do {i}.", "results": results} for i in range(3)]

        @given(broken(good))
        @settings(max_examples=60, deadline=None)
        def check(rows: Rows) -> None:
            with tempfile.TemporaryDirectory() as folder:
                imported = run(VerdictsImporter(), table(Path(folder), *rows), judge="j")
            assert len(imported.battles) + len(imported.of(SetAside)) == len(rows)

        check()


def winner_of(game: Game) -> str:
    """As if output_1 had been shown first."""
    return (
        {"first": "second", "second": "first"}[str(game.verdict.value)]
        if game.swapped
        else str(game.verdict.value)
    )
