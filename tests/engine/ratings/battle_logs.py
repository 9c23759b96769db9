"""Battle logs of the field as lists of (model a, model b, outcome), read with nothing of the project's own.

`python tests/engine/ratings/battle_logs.py DATA` writes the pair counts of tests/fixtures/ratings from them.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Battle = tuple[str, str, str]
FIXTURES = Path(__file__).parents[2] / "fixtures" / "ratings"
LLMFAO = ("crowd", "gpt4-crowd", "gpt3-crowd")


def llmfao(data: Path, judge: str, prompt_type: str | None = None) -> list[Battle]:
    """Votes of the crowd or of an LLM judge, in file order; of one type of prompt when given."""
    outcome = {"left": "a", "right": "b", "tie": "tie"}
    folder = data / "llmfao"
    types = {row["id"]: row["type"] for row in json_lines(folder / "pairs-crowd.jsonl")}
    return [
        (row["left"], row["right"], outcome[row["winner"]])
        for row in read_csv(folder / f"{judge}-comparisons.csv")
        if prompt_type in (None, types[int(row["id"])])
    ]


def layout(data: Path, keep: Callable[[dict[str, Any]], bool] = lambda row: True) -> list[Battle]:
    """The synthetic battles in Chatbot Arena's layout that `keep` wants, in file order."""
    return [arena_battle(row) for row in layout_rows(data) if keep(row)]


def layout_rows(data: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(
        (data / "chatbot_arena_layout" / "battles_first400.json").read_text()
    )
    return rows


def arena_battle(row: dict[str, Any]) -> Battle:
    outcome = {"model_a": "a", "model_b": "b", "tie": "tie", "tie (bothbad)": "tie"}
    return row["model_a"], row["model_b"], outcome[row["winner"]]


def kaggle(data: Path) -> list[Battle]:
    columns = {"winner_model_a": "a", "winner_model_b": "b", "winner_tie": "tie"}
    rows = read_csv(data / "chatbot_arena_kaggle" / "train_subset.csv")
    return [
        (row["model_a"], row["model_b"], outcome)
        for row in rows
        for column, outcome in columns.items()
        if row[column] == "1"
    ]


def pandalm(data: Path) -> list[Battle]:
    """The majority of three annotators on each pair."""
    outcome = {"1": "a", "2": "b", "0": "tie"}
    battles = []
    for row in json.loads((data / "pandalm" / "testset-v1.json").read_text()):
        first, second = row["cmp_key"].split("_", 1)
        (label, _), *_ = Counter(str(row[f"annotator{i}"]) for i in (1, 2, 3)).most_common()
        battles.append((first, second, outcome[label]))
    return battles


def logs(data: Path) -> dict[str, list[Battle]]:
    """Every log that expected ratings exist for, by the name of its fixture."""
    named = {f"llmfao_{judge}": llmfao(data, judge) for judge in LLMFAO}
    for prompt_type in ("creativity", "instruct", "knowledge", "reflexion"):
        named[f"llmfao_crowd_{prompt_type}"] = llmfao(data, "crowd", prompt_type)
    named["layout_all"] = layout(data)
    named["layout_anony_only"] = layout(data, lambda row: bool(row["anony"]))
    for column in ("category_tag", "language", "turn"):
        for value in sorted({str(row[column]) for row in layout_rows(data)}):
            named[f"layout_{column}_{value}"] = layout(data, lambda row, c=column, v=value: str(row[c]) == v)
    return named | {"kaggle": kaggle(data), "pandalm": pandalm(data)}


def pair_rows(battles: Iterable[Battle]) -> list[tuple[str, str, int, int, int]]:
    """(first name, second name, wins of the first, of the second, ties) of each pair, names sorted."""
    cells: dict[tuple[str, str], Counter[str]] = {}
    for a, b, outcome in battles:
        mirrored = {"a": "b", "b": "a", "tie": "tie"}
        pair, result = ((a, b), outcome) if a < b else ((b, a), mirrored[outcome])
        cells.setdefault(pair, Counter())[result] += 1
    return [(*pair, cell["a"], cell["b"], cell["tie"]) for pair, cell in sorted(cells.items())]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_fixtures(data: Path) -> None:
    """Write pair_counts.csv: one row a pair and log."""
    with (FIXTURES / "pair_counts.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("log", "model_a", "model_b", "wins", "losses", "ties"))
        for name, battles in logs(data).items():
            writer.writerows((name, *row) for row in pair_rows(battles))


if __name__ == "__main__":
    write_fixtures(Path(sys.argv[1]))
