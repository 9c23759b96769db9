from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings

from engine.errors import UsageError
from engine.formats.alpaca_eval import AlpacaEval
from engine.formats.rows import BattleRow, PromptRef, ResponseRow, Row, SetAside
from engine.records import Conversation, Prompt, ResponseStatus, VerdictKind, VerdictStatus
from tests.engine.formats.broken import Rows, broken
from tests.engine.formats.importing import Imported, run, write_csv, write_jsonl, write_parquet

BASELINE = "gpt4_1106_preview"
MAIN_JUDGE = "weighted_alpaca_eval_gpt4_turbo"
# Counted in the test data, in the files of alpacaeval2 (see test_data): judge -> (rows, models).
JUDGES = {
    MAIN_JUDGE: (45_875, 57),
    "alpaca_eval_gpt4": (46_952, 59),
    "claude": (12_878, 16),
    "alpaca_eval_cot_gpt4_turbo_fn": (11_525, 15),
    "alpaca_eval_gpt4_turbo_fn": (10_633, 18),
    "alpaca_eval_gpt4_0613": (805, 1),
    "bedrock_claude": (805, 1),
}

VERDICTS: Rows = [
    {"prompt_id": i, "model_a": "base", "model_b": "other", "preference_b": p, "judge": "j"}
    for i, p in enumerate([0.0, 0.25, 1.0])
]
ANNOTATIONS: Rows = [
    {
        "instruction": f"Say {i}.",
        "output_1": "one",
        "output_2": f"two {i}",
        "generator_1": "base",
        "generator_2": "other",
        "dataset": "koala",
        "annotator": "weighted",
        "preference": p,
        "raw_completion": "m",
    }
    for i, p in enumerate([1.0, 1.75, 2.0])
]
OUTPUTS: Rows = [
    {"instruction": f"Say {i}.", "output": f"two {i}", "generator": "other", "dataset": "koala"}
    for i in range(3)
]
TABLES: dict[str, tuple[Rows, type[Row]]] = {
    "prompts": ([{"prompt_id": i, "instruction": f"Say {i}.", "source": "koala"} for i in range(3)], Prompt),
    "responses": ([{"prompt_id": i, "model": "m", "response": f"{i}"} for i in range(3)], ResponseRow),
    "verdicts": (VERDICTS, BattleRow),
    "outputs": (OUTPUTS, ResponseRow),
    "annotations": (ANNOTATIONS, BattleRow),
}


def preference(battle: BattleRow) -> float:
    (game,) = battle.games
    assert game.verdict.kind is VerdictKind.PREFERENCE
    assert not game.swapped
    assert isinstance(game.verdict.value, float)
    return game.verdict.value


@pytest.fixture(scope="module")
def imported(test_data: Path) -> Imported:
    return run(AlpacaEval(), test_data / "alpacaeval2")


class TestPublished:
    def test_everything_is_taken(self, imported: Imported) -> None:
        kinds = Counter(type(row).__name__ for row in imported.rows)
        assert kinds == {"Prompt": 805, "ResponseRow": 32_199, "BattleRow": 129_473}

    def test_win_rates_are_the_leaderboards(self, imported: Imported, test_data: Path) -> None:
        with (test_data / "alpacaeval2" / "leaderboard.csv").open() as stream:
            rows = [row for row in csv.DictReader(stream) if row["has_verdicts"] == "1"]
        published = {row["model"]: float(row["win_rate"]) for row in rows if row["model"] != BASELINE}
        said = defaultdict(list)
        for battle in imported.battles:
            if battle.judge == MAIN_JUDGE:
                assert battle.model_a == BASELINE
                said[battle.model_b].append(preference(battle))
        assert len(published) == 55
        for model, win_rate in published.items():
            assert 100 * fmean(said[model]) == pytest.approx(win_rate, abs=1e-6)

    def test_judges_are_apart(self, imported: Imported) -> None:
        rows = Counter(battle.judge for battle in imported.battles)
        models = defaultdict(set)
        for battle in imported.battles:
            models[battle.judge].add(battle.model_b)
        assert {judge: (rows[judge], len(models[judge])) for judge in rows} == JUDGES

    def test_the_baseline_against_itself_is_a_battle(self, imported: Imported) -> None:
        itself = [b for b in imported.battles if b.model_a == b.model_b and b.judge == MAIN_JUDGE]
        assert len(itself) == 805
        assert {preference(battle) for battle in itself} == {0.5}

    def test_responses_and_verdicts_name_the_same_prompts(self, imported: Imported) -> None:
        names = {prompt.name for prompt in imported.prompts}
        assert {response.prompt.name for response in imported.responses} == names
        assert {battle.prompt.name for battle in imported.battles} == names
        assert {battle.category for battle in imported.battles} == {
            *("selfinstruct", "oasst", "koala", "helpful_base", "vicuna")
        }

    def test_the_empty_response_is_known_as_such(self, imported: Imported) -> None:
        empty = [row for row in imported.responses if row.status is ResponseStatus.EMPTY]
        assert [(row.model, row.prompt.name) for row in empty] == [("gemini-pro", "104")]

    def test_equal_games_are_one_object(self, imported: Imported) -> None:
        games = {id(battle.games) for battle in imported.battles}
        assert len(games) == len({preference(battle) for battle in imported.battles})

    def test_the_layout_names_what_it_leaves_alone(self, imported: Imported) -> None:
        assert imported.layout.arena == imported.layout.set_name == "alpaca-eval"
        assert "leaderboard.csv" in imported.layout.name
        assert imported.layout.ignored == ("at_upstream_head",)


def test_a_table_by_itself_refers_to_prompts_by_name(tmp_path: Path) -> None:
    imported = run(AlpacaEval(), write_parquet(tmp_path / "v.parquet", VERDICTS))
    assert [b.prompt for b in imported.battles] == [PromptRef("alpaca-eval", str(i)) for i in range(3)]
    assert [preference(b) for b in imported.battles] == [0.0, 0.25, 1.0]
    assert {b.category for b in imported.battles} == {None}


def test_files_are_read_in_their_own_order(tmp_path: Path) -> None:
    """Named last, prompts still come first."""
    verdicts = write_jsonl(tmp_path / "a.jsonl", VERDICTS)
    prompts = write_csv(tmp_path / "z.csv", TABLES["prompts"][0])
    imported = run(AlpacaEval(), verdicts, prompts)
    assert [type(row) for row in imported.rows] == [Prompt] * 3 + [BattleRow] * 3
    assert {b.category for b in imported.battles} == {"koala"}


def test_a_null_preference_is_a_verdict_that_decides_nothing(tmp_path: Path) -> None:
    rows = [VERDICTS[0] | {"preference_b": None}]
    (battle,) = run(AlpacaEval(), write_jsonl(tmp_path / "v.jsonl", rows)).battles
    verdict = battle.games[0].verdict
    assert (verdict.status, verdict.value) == (VerdictStatus.UNPARSABLE, None)
    assert verdict.reason == "the judge gave no preference"


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("preference_b", 1.5, "preference_b is not in 0 to 1"),
        ("preference_b", "much", "preference_b is not a number"),
        ("preference_b", True, "preference_b is not a number"),
        ("model_b", None, "no model_b"),
        ("model_a", "", "empty model_a"),
        ("prompt_id", None, "no prompt_id"),
        ("judge", None, "no judge"),
    ],
)
def test_a_row_that_cannot_be_used_is_set_aside(tmp_path: Path, column: str, value: Any, reason: str) -> None:
    rows = [VERDICTS[0], VERDICTS[1] | {column: value}, VERDICTS[2]]
    imported = run(AlpacaEval(), write_jsonl(tmp_path / "v.jsonl", rows))
    assert len(imported.battles) == 2
    assert [(row.reason, row.line) for row in imported.of(SetAside)] == [(reason, 2)]


def test_a_judge_can_be_named(tmp_path: Path) -> None:
    rows = [{name: value for name, value in row.items() if name != "judge"} for row in VERDICTS]
    path = write_jsonl(tmp_path / "v.jsonl", rows)
    assert {b.judge for b in run(AlpacaEval(), path, judge="mine").battles} == {"mine"}
    assert run(AlpacaEval(), path).reasons == {"no judge": 3}


def test_a_pair_that_is_judged_twice_by_one_judge_counts_once(tmp_path: Path) -> None:
    rows = [*VERDICTS, VERDICTS[1], VERDICTS[2] | {"preference_b": 0.5}, VERDICTS[2] | {"judge": "k"}]
    imported = run(AlpacaEval(), write_jsonl(tmp_path / "v.jsonl", rows))
    assert len(imported.battles) == 4
    assert imported.reasons == {"duplicate id": 1, "id stands for two different rows": 1}


class TestNative:
    def test_annotations_hold_prompt_and_responses(self, tmp_path: Path) -> None:
        path = tmp_path / "annotations.json"
        path.write_text(json.dumps(ANNOTATIONS))
        imported = run(AlpacaEval(), path)
        assert [p.conversation for p in imported.prompts] == [Conversation.of(f"Say {i}.") for i in range(3)]
        battle = imported.battles[1]
        assert (battle.model_a, battle.model_b, battle.judge) == ("base", "other", "weighted")
        assert preference(battle) == 0.75
        assert battle.games[0].verdict.raw == "m"
        assert battle.response_a is not None
        assert battle.response_b is not None
        assert (battle.response_a[0].answer, battle.response_b[0].answer) == ("one", "two 1")
        assert battle.category == "koala"

    def test_outputs_and_annotations_meet_in_their_prompts(self, tmp_path: Path) -> None:
        outputs, annotations = tmp_path / "model_outputs.json", tmp_path / "annotations.json"
        outputs.write_text(json.dumps(OUTPUTS))
        annotations.write_text(json.dumps(ANNOTATIONS[::-1]))
        imported = run(AlpacaEval(), tmp_path)
        assert len(imported.prompts) == 3
        names = [row.prompt.name for row in imported.responses]
        assert [b.prompt.name for b in imported.battles] == names[::-1]

    @pytest.mark.parametrize(("said", "kept"), [(1, 0.0), (2, 1.0), (1.5, 0.5), (0, 0.5), (1.25, 0.25)])
    def test_preferences(self, tmp_path: Path, said: float, kept: float) -> None:
        path = write_jsonl(tmp_path / "annotations.jsonl", [ANNOTATIONS[0] | {"preference": said}])
        assert preference(run(AlpacaEval(), path).battles[0]) == kept

    def test_a_null_preference_keeps_its_raw_reply(self, tmp_path: Path) -> None:
        rows = [ANNOTATIONS[0] | {"preference": None, "raw_completion": {"text": "neither"}}]
        (battle,) = run(AlpacaEval(), write_jsonl(tmp_path / "annotations.jsonl", rows)).battles
        verdict = battle.games[0].verdict
        assert (verdict.status, verdict.raw) == (VerdictStatus.UNPARSABLE, '{"text": "neither"}')

    @pytest.mark.parametrize("said", [0.5, 2.5, -1])
    def test_a_preference_out_of_range_is_no_verdict(self, tmp_path: Path, said: float) -> None:
        path = write_jsonl(tmp_path / "annotations.jsonl", [ANNOTATIONS[0] | {"preference": said}])
        assert run(AlpacaEval(), path).reasons == {"preference is neither 0 nor in 1 to 2": 1}


@pytest.mark.parametrize("table", TABLES)
def test_broken_rows_are_taken_or_set_aside(table: str) -> None:
    good, kind = TABLES[table]

    @given(broken(good))
    @settings(max_examples=60, deadline=None)
    def check(rows: Rows) -> None:
        with tempfile.TemporaryDirectory() as folder:
            imported = run(AlpacaEval(), write_jsonl(Path(folder) / "t.jsonl", rows))
        assert len(imported.of(kind)) + len(imported.of(SetAside)) == len(rows)

    check()


def test_what_is_not_of_alpaca_eval_is_refused(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "x.jsonl", [{"a": 1}])
    with pytest.raises(UsageError, match="holds nothing of AlpacaEval") as error:
        run(AlpacaEval(), path)
    assert "preference_b" in str(error.value)
    with pytest.raises(UsageError, match="holds nothing of AlpacaEval"):
        run(AlpacaEval(), tmp_path)


def test_options_that_do_not_apply_are_refused(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "v.jsonl", VERDICTS)
    with pytest.raises(UsageError, match="--map"):
        run(AlpacaEval(), path, mapping={"a": "b"})
    with pytest.raises(UsageError, match="no such option"):
        run(AlpacaEval(), path, extra={"baseline": "x"})
