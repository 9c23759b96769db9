"""Each layout on real files: how much is taken, and that the battles add up to tables computed outside this project."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from engine.formats.arena import ArenaImporter
from engine.formats.jsons import loads
from engine.formats.oasst import OasstImporter
from engine.formats.preferences import PreferencesImporter
from engine.formats.prompts import PromptsImporter
from engine.formats.responses import ResponsesImporter
from engine.formats.rows import BattleRow, PromptRef
from engine.formats.sharegpt import ShareGptImporter
from engine.records import Prompt, ResponseStatus, VerdictStatus
from tests.engine.formats.importing import Imported, run

Tally = dict[str, tuple[int, int, int]]


def tally(battles: Iterable[BattleRow]) -> Tally:
    """model -> wins, losses, ties; a model against itself is left out."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for battle in battles:
        if battle.model_a == battle.model_b:
            continue
        value = battle.games[0].verdict.value
        places = {"first": (0, 1), "second": (1, 0), "tie": (2, 2)}[str(value)]
        counts[battle.model_a][places[0]] += 1
        counts[battle.model_b][places[1]] += 1
    return {model: (wins, losses, ties) for model, (wins, losses, ties) in counts.items()}


def expected(path: Path, **where: str) -> Tally:
    with path.open(newline="") as stream:
        rows = [
            row for row in csv.DictReader(stream) if all(row[name] == value for name, value in where.items())
        ]
    return {row["model"]: (int(row["wins"]), int(row["losses"]), int(row["ties"])) for row in rows}


def by_category(imported: Imported) -> dict[str | None, list[BattleRow]]:
    groups: dict[str | None, list[BattleRow]] = defaultdict(list)
    for battle in imported.battles:
        groups[battle.category].append(battle)
    return groups


@pytest.mark.parametrize(("name", "rows"), [("crowd", 8931), ("gpt4-crowd", 2139), ("gpt3-crowd", 2139)])
def test_llmfao(test_data: Path, name: str, rows: int) -> None:
    imported = run(ArenaImporter(), test_data / f"llmfao/{name}-comparisons.csv")
    assert len(imported.rows) == len(imported.battles) == rows
    assert tally(imported.battles) == expected(test_data / f"llmfao/expected_ratings_{name}.csv")
    assert len({b.prompt.name for b in imported.battles}) == 13
    assert len({b.source_id for b in imported.battles}) == rows


def test_llmfao_by_type_of_the_joined_prompts(test_data: Path) -> None:
    folder = test_data / "llmfao"
    imported = run(
        ArenaImporter(), folder / "crowd-comparisons.csv", prompts=folder / "prompts.jsonl", join="prompt"
    )
    assert (len(imported.prompts), len(imported.battles)) == (13, 8931)
    groups = by_category(imported)
    assert {name: len(battles) for name, battles in groups.items()} == {
        "reflexion": 2746,
        "knowledge": 2085,
        "creativity": 2076,
        "instruct": 2024,
    }
    for name, battles in groups.items():
        table = expected(folder / "expected_ratings_crowd_by_type.csv", type=str(name))
        assert {m: t for m, t in tally(battles).items() if m in table} == table


def test_llmfao_with_its_responses(test_data: Path) -> None:
    folder = test_data / "llmfao"
    imported = run(
        ArenaImporter(),
        folder / "gpt4-crowd-comparisons.csv",
        prompts=folder / "pairs-crowd.jsonl",
        join="id",
    )
    assert (len(imported.prompts), len(imported.battles)) == (13, 2139)
    responses = {
        (b.prompt.name, model): turns[0].answer
        for b in imported.battles
        for model, turns in ((b.model_a, b.response_a), (b.model_b, b.response_b))
        if turns is not None
    }
    assert len(responses) == len(
        {(b.prompt.name, m) for b in imported.battles for m in (b.model_a, b.model_b)}
    )
    assert "" in responses.values()  # real failures of the endpoint, judged as such


@pytest.mark.parametrize("file", ["battles.parquet", "battles_first400.json"])
def test_chatbot_arena(test_data: Path, file: str) -> None:
    folder = test_data / "chatbot_arena_layout"
    imported = run(ArenaImporter(), folder / file)
    assert len(imported.rows) == len(imported.battles) == 400
    assert tally(imported.battles) == expected(folder / "expected_battles_all.csv")
    assert {b.judge for b in imported.battles} == {"human"}
    assert all(isinstance(b.prompt, Prompt) and b.prompt.conversation for b in imported.battles)
    turns = Counter(len(b.response_a or ()) for b in imported.battles)
    assert (turns[3], sum(turns.values())) == (25, 400)


@pytest.mark.parametrize(
    ("column", "name"), [("category_tag", "category_tag"), ("language", "language"), ("turn", "turn")]
)
def test_chatbot_arena_by_category(test_data: Path, column: str, name: str) -> None:
    folder = test_data / "chatbot_arena_layout"
    imported = run(ArenaImporter(), folder / "battles.parquet", mapping={column: "category"})
    compared = 0
    for category, battles in by_category(imported).items():
        table = expected(folder / f"expected_battles_by_{name}.csv", **{name: str(category)})
        if table:
            compared += 1
            assert tally(battles) == table
    assert compared >= 2


def test_chatbot_arena_where_names_were_hidden(test_data: Path) -> None:
    folder = test_data / "chatbot_arena_layout"
    imported = run(ArenaImporter(), folder / "battles.parquet", extra={"where": "anony=true"})
    assert imported.reasons == {"left out by --where anony=true": 47}
    assert tally(imported.battles) == expected(folder / "expected_battles_anony_only.csv")


def test_kaggle(test_data: Path) -> None:
    folder = test_data / "chatbot_arena_kaggle"
    imported = run(ArenaImporter(), folder / "train_subset.csv")
    assert imported.layout.name == "Kaggle votes"
    assert len(imported.rows) == len(imported.battles) == 85
    assert tally(imported.battles) == expected(folder / "expected_ratings.csv")


def test_pandalm(test_data: Path) -> None:
    folder = test_data / "pandalm"
    majority = run(ArenaImporter(), folder / "testset-v1.json", extra={"annotators": "majority"})
    assert (len(majority.prompts), len(majority.battles), len(majority.rows)) == (999, 999, 1998)
    assert tally(majority.battles) == expected(folder / "expected_ratings_majority.csv")
    assert sum(bool(b.meta) for b in majority.battles) == 6  # responses that upstream holds as `true`
    each = run(ArenaImporter(), folder / "testset-v1.json")
    votes: dict[str, list[Any]] = defaultdict(list)
    for battle in each.battles:
        votes[battle.judge].append(battle.games[0].verdict.value)
    with (folder / "expected_annotator_agreement.csv").open() as stream:
        for row in csv.DictReader(stream):
            first, second = (votes[f"annotator{n}"] for n in row["annotators"].split("-"))
            agreement = sum(a == b for a, b in zip(first, second, strict=True)) / 999
            assert agreement == pytest.approx(float(row["agreement"]), abs=1e-6)


@pytest.mark.parametrize(
    ("file", "invalid"), [("gpt-3.5-turbo-testset-v1.json", 25), ("pandalm-7b-testset-v1.json", 0)]
)
def test_pandalms_recorded_judges(test_data: Path, file: str, invalid: int) -> None:
    folder = test_data / "pandalm"
    imported = run(ArenaImporter(), folder / file, prompts=folder / "testset-v1.json", join="idx")
    statuses = Counter(b.games[0].verdict.status for b in imported.battles)
    assert statuses[VerdictStatus.UNPARSABLE] == invalid
    assert statuses[VerdictStatus.OK] == 999 - invalid
    people = run(ArenaImporter(), folder / "testset-v1.json", extra={"annotators": "majority"})
    labels = {b.source_id: b.games[0].verdict.value for b in people.battles}
    right = sum(b.games[0].verdict.value == labels[b.source_id] for b in imported.battles)
    assert right / 999 == pytest.approx({25: 0.6977, 0: 0.6677}[invalid], abs=5e-5)


def test_wizardlm_testset(test_data: Path) -> None:
    imported = run(PromptsImporter(), test_data / "wizardlm_testset/WizardLM_testset.jsonl")
    assert len(imported.rows) == len(imported.prompts) == 218
    assert len({p.category for p in imported.prompts}) == 29
    difficulties = Counter(p.difficulty for p in imported.prompts)
    assert [difficulties[float(level)] for level in range(1, 11)] == [11, 19, 27, 23, 9, 42, 24, 39, 13, 11]


@pytest.mark.parametrize(
    ("file", "rows"), [("en_100_text.jsonl", 100), ("prompt_lottery_en_250_text.jsonl", 250)]
)
def test_one_prompt_a_line(test_data: Path, file: str, rows: int) -> None:
    imported = run(PromptsImporter(), test_data / "oasst_samples" / file)
    assert [p.name for p in imported.prompts] == [str(n) for n in range(1, rows + 1)]


def test_alpaca_prompts_and_responses(test_data: Path) -> None:
    folder = test_data / "alpacaeval2"
    prompts = run(PromptsImporter(), folder / "prompts.parquet", mapping={"source": "category"})
    assert Counter(p.category for p in prompts.prompts) == {
        "selfinstruct": 252,
        "oasst": 188,
        "koala": 156,
        "helpful_base": 129,
        "vicuna": 80,
    }
    responses = run(ResponsesImporter(), folder / "responses.parquet")
    assert len(responses.rows) == len(responses.responses) == 32_199
    [empty] = [r for r in responses.responses if r.status is not ResponseStatus.OK]
    assert (empty.model, empty.prompt, empty.status) == (
        "gemini-pro",
        PromptRef("responses", "104"),
        ResponseStatus.EMPTY,
    )
    counts = Counter(r.model for r in responses.responses)
    assert (len(counts), Counter(counts.values())) == (40, {805: 39, 804: 1})


def test_sharegpt(test_data: Path) -> None:
    path = test_data / "sharegpt_layout/dummy_conversation.json"
    imported = run(ShareGptImporter(), path, extra={"open": "all", "model": "vicuna"})
    assert (len(imported.prompts), len(imported.responses)) == (500, 500)
    assert sum(len(r.turns) for r in imported.responses) == 1000
    first = run(ShareGptImporter(), path, extra={"open": "first"})
    assert len({p.conversation for p in first.prompts}) == 52


def test_hh(test_data: Path) -> None:
    imported = run(PreferencesImporter(), test_data / "hh_rlhf/harmless-base_test_first300.jsonl.gz")
    assert len(imported.rows) == len(imported.battles) == 300
    asked = Counter(
        sum(m.role == "user" for m in b.prompt.conversation.messages)
        for b in imported.battles
        if isinstance(b.prompt, Prompt) and b.prompt.conversation
    )
    assert (asked[1], asked[2], asked[3], max(asked)) == (87, 87, 64, 10)
    assert {(b.model_a, b.model_b, b.games[0].verdict.value) for b in imported.battles} == {
        ("chosen", "rejected", "first")
    }


def test_oasst(test_data: Path) -> None:
    path = test_data / "oasst_samples/en_100_tree.jsonl"
    imported = run(OasstImporter(), path)
    trees = [loads(line)["prompt"] for line in path.read_text().splitlines()]
    messages = [message for tree in trees for message in walk(tree)]
    assert len(messages) == 549
    asked = [message for message in messages if message["role"] == "prompter"]
    pairs = sum(
        a["rank"] != b["rank"]
        for message in asked
        for a, b in combinations([r for r in message["replies"] if r.get("rank") is not None], 2)
    )
    assert {p.name for p in imported.prompts} == {m["message_id"] for m in asked}
    assert (len(imported.prompts), len(imported.battles), imported.reasons) == (230, pairs, {})
    ranks = {m["message_id"]: m.get("rank") for m in messages}
    for battle in imported.battles:
        better, worse = str(battle.source_id).split(">")
        assert ranks[better] < ranks[worse]


def walk(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield message
    for reply in message["replies"]:
        yield from walk(reply)
