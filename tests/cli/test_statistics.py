"""`verdicts stats` and `models flags` on real verdicts, against figures that are worked out here from the files."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commanding import command
from tests.cli.schemas import check_command

Row = dict[str, Any]


def statistics(store: Path, *more: str) -> dict[str, Row]:
    """By judge."""
    shown = command("verdicts", "stats", "--json", *more, store=store)
    assert shown.code == 0, shown.err
    check_command("verdicts stats", shown.json)
    return {one["judge"]: one for one in shown.json["judges"]}


def wilson(count: int, of: int) -> dict[str, Any]:
    from scipy.stats import binomtest

    interval = binomtest(count, of).proportion_ci(0.95, method="wilson")
    shares = {"share": count / of, "lower": interval.low, "upper": interval.high}
    return {"count": count, "of": of} | {name: pytest.approx(one, abs=1e-9) for name, one in shares.items()}


def correlation(margins: list[float], longer: list[float]) -> float:
    """Each pair both ways round, so that it does not matter which of the two is called a."""
    from scipy.stats import spearmanr

    turned = ([sign * one for sign in (1, -1) for one in column] for column in (margins, longer))
    return float(spearmanr(*turned).statistic)


def json_lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def mt_bench(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("mt") / "a.db"
    assert command("import", "mt-bench", str(test_data / "mt_bench" / "mt_bench"), store=store).code == 0
    return store


def test_pairs_of_mt_bench(test_data: Path, mt_bench: Path) -> None:
    """README of the data: of 73 rows without errors 46 agree; the first shown answer won 79 games, the second 43."""
    found = statistics(mt_bench)["gpt-4/pair"]
    assert found["position"]["disagree"] == wilson(73 - 46, 73)
    assert found["position"]["first_wins"] == wilson(79, 79 + 43)
    rows = json_lines(test_data / "mt_bench/mt_bench/model_judgment/gpt-4_pair.jsonl")
    winners = [("model_1", row["g1_winner"], row["g2_winner"]) for row in rows]
    apart = [w for w in winners if "error" not in w and w[1] != w[2]]
    # Game 1 shows model_1 first, game 2 model_2; a game that names it and one that does not favour the first.
    rank = {True: 1, False: -1}
    lean = [
        (0 if one == "tie" else rank[one == first]) - (0 if two == "tie" else rank[two == first])
        for first, one, two in apart
    ]
    assert found["position"]["towards_first"] == wilson(sum(one > 0 for one in lean), len(apart))
    errors = sum(winner == "error" for row in winners for winner in row[1:])
    assert found["invalid"] == wilson(errors, 150) == found["unsettled"]
    assert found["reasons"] == {"failed: the judge's request failed": errors}
    assert found["histogram"] == {"first": 79, "tie": 147 - 79 - 43, "second": 43}


def test_length_of_mt_benchs_first_turns(test_data: Path, mt_bench: Path) -> None:
    """A pair was judged by its first turn, so that turn's length counts. Correlation by scipy."""
    folder = test_data / "mt_bench/mt_bench"
    length = {
        (model, row["question_id"]): len(row["choices"][0]["turns"][0])
        for model in ("phi-3", "phi-3-dpo")
        for row in json_lines(folder / f"model_answer/{model}.jsonl")
    }
    margins, longer = [], []
    for row in json_lines(folder / "model_judgment/gpt-4_pair.jsonl"):
        games = [row[game] for game in ("g1_winner", "g2_winner") if row[game] != "error"]
        points = [{"model_1": 1, "model_2": -1}.get(winner, 0) for winner in games]
        if points:
            margins.append(sum(points) / len(points))
            longer.append(
                length[row["model_1"], row["question_id"]] - length[row["model_2"], row["question_id"]]
            )
    found = statistics(mt_bench)["gpt-4/pair"]["length"]
    assert found["correlation"]["of"] == len(margins)
    assert found["correlation"]["value"] == pytest.approx(correlation(margins, longer), abs=1e-9)
    won = [(m > 0) == (d > 0) for m, d in zip(margins, longer, strict=True) if m and d]
    assert found["longer_wins"] == wilson(sum(won), len(won))


def test_single_scores_of_mt_bench(test_data: Path, mt_bench: Path) -> None:
    found = statistics(mt_bench)["gpt-4/single"]
    scores = [
        row["score"] for row in json_lines(test_data / "mt_bench/mt_bench/model_judgment/gpt-4_single.jsonl")
    ]
    expected: dict[str, int] = defaultdict(int)
    for score in sorted(scores):
        if score != -1:
            expected[str(int(score))] += 1
    assert found["histogram"] == expected
    assert found["invalid"] == wilson(scores.count(-1), 800)
    assert (found["kind"], found["position"], found["kin_wins"], found["traits"]) == (
        "single",
        None,
        None,
        [],
    )


@pytest.mark.parametrize("part", ["Natural", "Adversarial/Neighbor"])
def test_both_orders_of_llmbar(test_data: Path, tmp_path: Path, part: str) -> None:
    store = tmp_path / "a.db"
    assert command("import", "verdicts", str(test_data / "llmbar" / part), store=store).code == 0
    found = statistics(store)
    with (test_data / "llmbar" / "expected_judge_check.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == part]
    assert len(rows) == 4
    for row in rows:
        position = found[row["evaluator"]]["position"]
        assert position["disagree"] == wilson(int(row["n"]) - int(row["orders_agree"]), int(row["n"]))
        first, second = int(row["first_shown_wins"]), int(row["second_shown_wins"])
        assert position["first_wins"] == wilson(first, first + second)


@pytest.fixture(scope="module")
def llmfao(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("llmfao") / "a.db"
    folder = test_data / "llmfao"
    for judge in ("crowd", "gpt4-crowd"):
        log = str(folder / f"{judge}-comparisons.csv")
        pairs = str(folder / "pairs-crowd.jsonl")
        taken = command(
            "import",
            "arena",
            log,
            "--judge",
            judge,
            "--arena",
            judge,
            "--prompts",
            pairs,
            "--join",
            "id",
            store=store,
        )
        assert taken.code == 0, taken.err
    return store


def test_length_and_form_of_llmfao(test_data: Path, llmfao: Path) -> None:
    """One vote of GPT-4 a pair: the longer response wins how often, and how often does the one with a heading."""
    texts = {str(row["id"]): row for row in json_lines(test_data / "llmfao/pairs-crowd.jsonl")}
    with (test_data / "llmfao/gpt4-crowd-comparisons.csv").open(newline="") as file:
        votes = list(csv.DictReader(file))
    mark = {"left": 1, "right": -1, "tie": 0}
    margins = [mark[vote["winner"]] for vote in votes]
    left, right = ([texts[vote["id"]][side] for vote in votes] for side in ("result_x", "result_y"))
    # A blank response is an empty one.
    longer = [
        len(a if a.strip() else "") - len(b if b.strip() else "") for a, b in zip(left, right, strict=True)
    ]
    found = statistics(llmfao, "--arena", "gpt4-crowd")
    assert set(found) == {"gpt4-crowd"}
    one = found["gpt4-crowd"]
    assert (one["questions"], one["games"], one["with_texts"]) == (2139, 2139, 2139)
    won = [(m > 0) == (d > 0) for m, d in zip(margins, longer, strict=True) if m and d]
    assert one["length"]["longer_wins"] == wilson(sum(won), len(won))
    assert one["length"]["correlation"]["value"] == pytest.approx(correlation(margins, longer), abs=1e-9)
    lists = {each["trait"]: each for each in one["traits"]}["lists"]
    has = [(has_list(a), has_list(b)) for a, b in zip(left, right, strict=True)]
    alone = [(m > 0) == a for m, (a, b) in zip(margins, has, strict=True) if m and a != b]
    assert lists["wins"] == wilson(sum(alone), len(alone))
    winners = [a if m > 0 else b for m, (a, b) in zip(margins, has, strict=True) if m]
    assert lists["winners"] == wilson(sum(winners), len(winners))


def has_list(text: str) -> bool:
    """Line by line: a first word that is a bullet, or a number with a full stop or bracket; not in code."""
    in_code = False
    for line in text.split("\n"):
        if line.startswith("```"):
            in_code = not in_code
        first, blank, _ = line.lstrip(" \t").replace("\t", " ").partition(" ")
        if (
            not in_code
            and blank
            and (first in ("-", "*", "+") or (first[:-1].isdigit() and first[-1] in ".)"))
        ):
            return True
    return False


def test_gpt_4_judges_its_own_family_and_the_crowd_none(llmfao: Path) -> None:
    found = statistics(llmfao)
    assert found["crowd"]["kin"] == []
    assert found["gpt4-crowd"]["families"] == ["gpt"]
    kin = {one["player"]: one for one in found["gpt4-crowd"]["kin"]}
    assert {"GPT 4", "GPT 3.5 Turbo"} <= set(kin)
    assert not any(one["certain"] for one in kin.values())
    assert not [name for name in kin if "llama" in name.lower()]
    table = command("verdicts", "stats", "--judge", "gpt4-crowd", store=llmfao).out
    assert "warning: it judges its own family (gpt), by name: " in table


def test_none_of_forty_real_models_is_flagged_as_constant(test_data: Path, tmp_path: Path) -> None:
    store = tmp_path / "a.db"
    responses = test_data / "alpacaeval2" / "responses.parquet"
    prompts = test_data / "alpacaeval2" / "prompts.parquet"
    taken = command(
        "import", "responses", responses, "--prompts", prompts, "--join", "prompt_id", store=store
    )
    assert taken.code == 0, taken.err
    shown = command("models", "flags", "--json", store=store)
    check_command("models flags", shown.json)
    assert len(shown.json) == 40
    flags: dict[str, int] = defaultdict(int)
    for model in shown.json:
        for flag, share in model["flags"].items():
            flags[flag] += share["count"]
    assert sum(model["answers"] for model in shown.json) == 32_198  # one of 32,199 is empty
    assert (flags["constant"], flags["injected"]) == (0, 0)
    assert flags["content-free"] == 1  # a zero-width space and nothing else
    assert (flags["special-tokens"], flags["hidden"]) == (155, 9)  # as docs/judging.md says


def test_a_store_without_verdicts_says_so(tmp_path: Path) -> None:
    store = tmp_path / "a.db"
    assert command("store", "info", "--migrate", store=store).code == 0 or not store.exists()
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"id": "q1", "prompt": "What?"}\n', encoding="utf-8")
    assert command("import", "prompts", path, store=store).code == 0
    shown = command("verdicts", "stats", store=store)
    assert (shown.code, "no verdicts yet" in shown.out) == (0, True)
    assert command("models", "flags", store=store).code == 0


def test_a_judge_or_arena_that_is_not_there_is_named_with_the_nearest(few: Path) -> None:
    wrong = command("verdicts", "stats", "--judge", "crwod", store=few)
    assert (wrong.code, "Did you mean 'crowd'?" in wrong.err) == (2, True)
    assert command("verdicts", "stats", "--arena", "none such", store=few).code == 2
    assert command("models", "flags", "--model", "ad", store=few).code == 2
