from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UsageError
from engine.formats.arena import ArenaImporter
from engine.formats.rows import PromptRef, SetAside
from engine.records import Conversation, VerdictStatus
from tests.engine.formats.importing import Imported, run, write_csv, write_jsonl, write_parquet
from tests.engine.formats.test_fields import HOSTILE_NAMES

PLAIN = [
    {"model_a": "x", "model_b": "y", "winner": "model_a"},
    {"model_a": "y", "model_b": "x", "winner": "tie"},
    {"model_a": "x", "model_b": "x", "winner": "model_b"},
]


def talk(*turns: str) -> list[dict[str, str]]:
    return [
        {"role": role, "content": text} for role, text in zip(["user", "assistant"] * 9, turns, strict=False)
    ]


def conversation_row(**other: Any) -> dict[str, Any]:
    return {
        "question_id": "q1",
        "model_a": "x",
        "model_b": "y",
        "winner": "model_a",
        "judge": "arena_user_7",
        "conversation_a": talk("one", "a1", "two", "a2"),
        "conversation_b": talk("one", "b1", "two", ""),
        "turn": 2,
        "anony": True,
        "language": "English",
        "tstamp": 10.5,
        **other,
    }


def shown(imported: Imported) -> list[tuple[str, str, Any]]:
    return [(b.model_a, b.model_b, b.games[0].verdict.value) for b in imported.battles]


@pytest.mark.parametrize("write", [write_csv, write_jsonl, write_parquet])
def test_the_least_that_a_battle_log_has(tmp_path: Path, write: Any) -> None:
    imported = run(ArenaImporter(), write(tmp_path / "log.x", PLAIN))
    assert shown(imported) == [("x", "y", "first"), ("y", "x", "tie"), ("x", "x", "second")]
    assert imported.layout.name == "plain battles"
    assert (imported.layout.arena, imported.layout.set_name, imported.layout.judge) == (
        "log.x",
        "log.x",
        "log.x",
    )
    prompts = [b.prompt for b in imported.battles]
    assert len(set(prompts)) == 3
    assert all(isinstance(p, PromptRef) for p in prompts)


def test_the_names_that_a_person_says(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "log.csv", PLAIN)
    imported = run(ArenaImporter(), path, judge="crowd", arena="mine", set_name="set")
    assert (imported.layout.arena, imported.layout.set_name, imported.layout.judge) == (
        "mine",
        "set",
        "crowd",
    )
    assert {b.judge for b in imported.battles} == {"crowd"}


def test_our_own_export_reads_back(tmp_path: Path) -> None:
    row = {
        "question_id": "p1",
        "model_a": "x",
        "model_b": "y",
        "winner": "model_b",
        "margin": -2.5,
        "judge": "checker",
        "category": "add",
        "arena": "pocket",
        "round": 1,
    }
    for path in (write_csv(tmp_path / "b.csv", [row, row]), write_jsonl(tmp_path / "b.jsonl", [row, row])):
        first, second = run(ArenaImporter(), path, set_name="tasks").battles
        assert first.prompt == second.prompt == PromptRef("tasks", "p1")
        assert (first.margin, first.judge, first.category, first.arena, first.round) == (
            -2.5,
            "checker",
            "add",
            "pocket",
            1,
        )
        assert first.games[0].verdict.value == "second"


def test_conversations_are_prompts_answered_turn_by_turn(tmp_path: Path) -> None:
    [battle] = run(ArenaImporter(), write_jsonl(tmp_path / "b.jsonl", [conversation_row()])).battles
    assert not isinstance(battle.prompt, PromptRef)
    assert battle.prompt.conversation == Conversation.of("one", "two")
    assert battle.prompt.name == battle.source_id == "q1"
    assert battle.response_a is not None
    assert battle.response_b is not None
    assert [turn.answer for turn in battle.response_a] == ["a1", "a2"]
    assert [turn.answer for turn in battle.response_b] == ["b1", ""]
    assert (battle.judge, battle.meta, battle.occurred_at) == ("human", {"voter": "arena_user_7"}, 10.5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"conversation_b": talk("one", "b1")}, "the conversations differ in more than answers"),
        (
            {"conversation_b": talk("one", "b1", "other", "b2")},
            "the conversations differ in more than answers",
        ),
        ({"conversation_a": talk("one", "a1", "two")}, "conversation_a does not end with an answer"),
        ({"conversation_a": "text"}, "conversation_a is not JSON"),
        ({"winner": "model_c"}, "unknown winner"),
        ({"winner": None}, "no winner"),
        ({"model_a": ""}, "empty model_a"),
        ({"model_b": 5}, "model_b is not text"),
        ({"tstamp": "soon"}, "occurred_at is not a time"),
        ({"judge": {"name": "x"}}, "judge is not text"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    rows = [conversation_row(), conversation_row(question_id="q2", **change)]
    imported = run(ArenaImporter(), write_jsonl(tmp_path / "b.jsonl", rows))
    assert imported.reasons == {reason: 1}
    assert [row.line for row in imported.of(SetAside)] == [2]
    assert len(imported.battles) == 1


def test_ids_that_come_twice(tmp_path: Path) -> None:
    rows = [
        conversation_row(),
        conversation_row(),
        conversation_row(winner="tie"),
        conversation_row(question_id="q2"),
    ]
    imported = run(ArenaImporter(), write_jsonl(tmp_path / "b.jsonl", rows))
    assert imported.reasons == {"duplicate id": 1, "id stands for two different rows": 1}
    assert [b.source_id for b in imported.battles] == ["q1", "q2"]


def test_one_id_for_the_votes_of_several_people(tmp_path: Path) -> None:
    vote = {"id": 1, "prompt": 7, "left": "x", "right": "y", "winner": "left"}
    rows = [{**vote, "worker": 1}, {**vote, "worker": 2, "winner": "tie"}, {**vote, "worker": 1}]
    imported = run(ArenaImporter(), write_jsonl(tmp_path / "b.jsonl", rows))
    assert [b.source_id for b in imported.battles] == ["1/1", "1/2"]
    assert [b.meta for b in imported.battles] == [{"voter": "1"}, {"voter": "2"}]
    assert imported.reasons == {"duplicate id": 1}
    assert imported.layout.judge == "human"


def test_a_judge_of_nobodys_naming_is_the_file(tmp_path: Path) -> None:
    vote = {"id": 1, "prompt": 7, "left": "x", "right": "y", "winner": "left"}
    assert run(ArenaImporter(), write_jsonl(tmp_path / "gpt-4.jsonl", [vote])).battles[0].judge == "gpt-4"


def test_both_kinds_of_tie_are_ties_and_told_apart(tmp_path: Path) -> None:
    rows = [{**PLAIN[0], "winner": "tie (bothbad)"}, {**PLAIN[0], "winner": "tie"}]
    battles = run(ArenaImporter(), write_jsonl(tmp_path / "b.jsonl", rows)).battles
    assert [(b.games[0].verdict.value, b.meta) for b in battles] == [
        ("tie", {"winner": "tie (bothbad)"}),
        ("tie", {}),
    ]


def test_where_keeps_some_rows_and_tells_of_the_others(tmp_path: Path) -> None:
    rows = [
        conversation_row(),
        conversation_row(question_id="q2", anony=False),
        conversation_row(question_id="q3"),
    ]
    path = write_jsonl(tmp_path / "b.jsonl", rows)
    assert run(ArenaImporter(), path, extra={"where": "anony=true"}).reasons == {
        "left out by --where anony=true": 1
    }
    assert len(run(ArenaImporter(), path, extra={"where": "anony!=True"}).battles) == 1
    assert len(run(ArenaImporter(), path, extra={"where": "conversation_a.0.content=one"}).battles) == 3
    with pytest.raises(UsageError, match="did you mean 'anony'"):
        run(ArenaImporter(), path, extra={"where": "anon=true"})


def test_categories_from_any_column(tmp_path: Path) -> None:
    rows = [conversation_row(category_tag="math"), conversation_row(question_id="q2", category_tag=None)]
    path = write_jsonl(tmp_path / "b.jsonl", rows)
    assert [b.category for b in run(ArenaImporter(), path).battles] == ["math", None]
    by_language = run(ArenaImporter(), path, mapping={"language": "category"}).battles
    assert [b.category for b in by_language] == ["English", "English"]
    assert [b.category for b in run(ArenaImporter(), path, mapping={"turn": "category"}).battles] == [
        "2",
        "2",
    ]


def test_a_table_of_tags_is_no_category_unless_one_is_picked(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "b.jsonl", [conversation_row(category_tag={"math_v0.1": {"math": True}, "if": "x"})]
    )
    assert [b.category for b in run(ArenaImporter(), path).battles] == [None]
    picked = run(ArenaImporter(), path, mapping={"category_tag.if": "category"})
    assert [b.category for b in picked.battles] == ["x"]


def test_values_of_the_winner_that_a_person_says(tmp_path: Path) -> None:
    rows = [
        {"a": "x", "b": "y", "label": 1},
        {"a": "x", "b": "y", "label": 0},
        {"a": "x", "b": "y", "label": 5},
    ]
    imported = run(
        ArenaImporter(),
        write_jsonl(tmp_path / "b.jsonl", rows),
        mapping={"a": "model_a", "b": "model_b"},
        values={"1": "model_a", "0": "tie"},
    )
    assert [b.games[0].verdict.value for b in imported.battles] == ["first", "tie"]
    assert imported.reasons == {"unknown winner": 1}


def kaggle_row(**other: Any) -> dict[str, Any]:
    texts = {"prompt": ["p1", "p2"], "response_a": ["a1", "\ud83d"], "response_b": ["b1", "b2"]}
    marks = {"winner_model_a": 0, "winner_model_b": 1, "winner_tie": 0}
    return {
        "id": 5,
        "model_a": "x",
        "model_b": "y",
        **{k: json.dumps(v) for k, v in texts.items()},
        **marks,
        **other,
    }


def test_kaggles_own_file_holds_turns_as_json(tmp_path: Path) -> None:
    rows = [kaggle_row(), kaggle_row(id=6, response_a='["a1", null]'), kaggle_row(id=7, winner_tie=1)]
    imported = run(ArenaImporter(), write_csv(tmp_path / "train.csv", rows))
    [battle] = imported.battles
    assert imported.layout.name == "Kaggle votes, turns as JSON lists"
    assert battle.response_a is not None
    assert [turn.answer for turn in battle.response_a] == ["a1", "\ud83d"]
    assert battle.games[0].verdict.value == "second"
    assert imported.reasons == {"a turn of response_a is null": 1, "not exactly one winner": 1}


def test_kaggles_texts_may_be_plain(tmp_path: Path) -> None:
    plain = {"prompt": "p", "response_a": "[1, 2] is a list", "response_b": ""}
    [battle] = run(ArenaImporter(), write_csv(tmp_path / "train.csv", [kaggle_row(**plain)])).battles
    assert battle.response_a is not None
    assert battle.response_a[0].answer == "[1, 2] is a list"


def pandalm_row(**other: Any) -> dict[str, Any]:
    texts = {"instruction": "Do.", "input": "", "response1": "r1", "response2": "r2"}
    return {"idx": 0, "cmp_key": "m_n_o", **texts, "annotator1": 1, "annotator2": 2, "annotator3": 0, **other}


def test_pandalms_annotators_are_judges_or_a_majority(tmp_path: Path) -> None:
    rows = [pandalm_row(), pandalm_row(idx=1, annotator2=1), pandalm_row(idx=2, annotator3=7, input="with")]
    path = write_jsonl(tmp_path / "t.jsonl", rows)
    each = run(ArenaImporter(), path)
    assert [(b.judge, b.games[0].verdict.value) for b in each.battles[:3]] == [
        ("annotator1", "first"),
        ("annotator2", "second"),
        ("annotator3", "tie"),
    ]
    assert len(each.battles) == 8
    assert each.reasons == {"unknown annotator3": 1}
    assert each.battles[0].model_a == "m"
    assert each.battles[0].model_b == "n_o"
    assert each.prompts[2].conversation == Conversation.of("Do.\n\nwith")
    majority = run(ArenaImporter(), path, extra={"annotators": "majority"})
    assert [(b.judge, b.games[0].verdict.value) for b in majority.battles] == [("majority", "first")]
    assert majority.reasons == {"no majority": 1, "unknown annotator3": 1}


def test_a_recorded_result_that_nobody_could_read_is_an_invalid_verdict(tmp_path: Path) -> None:
    pairs = write_jsonl(tmp_path / "testset.jsonl", [pandalm_row(idx=n) for n in range(4)])
    results = [
        {"idx": n, "gpt_result": said, "gpt_reason": "because"}
        for n, said in enumerate(["1", "Tie", "garbage", 9])
    ]
    imported = run(ArenaImporter(), write_jsonl(tmp_path / "gpt.jsonl", results), prompts=pairs, join="idx")
    verdicts = [b.games[0].verdict for b in imported.battles]
    assert [(v.status, v.value) for v in verdicts] == [
        (VerdictStatus.OK, "first"),
        (VerdictStatus.OK, "tie"),
        (VerdictStatus.UNPARSABLE, None),
    ]
    assert imported.reasons == {"unknown result": 1}
    assert {b.judge for b in imported.battles} == {"gpt"}


def test_hostile_names_are_kept_exactly(tmp_path: Path) -> None:
    rows = [{"model_a": name, "model_b": f"{name}2", "winner": "tie"} for name in HOSTILE_NAMES]
    battles = run(ArenaImporter(), write_jsonl(tmp_path / "b.jsonl", rows)).battles
    assert [b.model_a for b in battles] == HOSTILE_NAMES


def test_a_file_of_another_kind_is_an_error_that_names_the_columns(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "b.jsonl", [{"model_a": "x", "models_b": "y", "result": 1}])
    with pytest.raises(UsageError) as error:
        run(ArenaImporter(), path)
    assert "has no column for model_b and winner" in str(error.value)
    assert "model_a, models_b, result" in str(error.value)


def test_unknown_options_are_errors(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "b.jsonl", PLAIN)
    with pytest.raises(UsageError, match="no such option") as error:
        run(ArenaImporter(), path, extra={"annotator": "each"})
    assert "did you mean 'annotators'" in str(error.value)
    with pytest.raises(UsageError, match="it is one of each, majority"):
        run(ArenaImporter(), path, extra={"annotators": "majorty"})


def test_a_winner_may_be_told_by_its_name(tmp_path: Path) -> None:
    names = [("ann", "bob", "bob"), ("ann", "bob", "ann"), ("ann", "bob", "Bob"), ("ann", "ann", "ann")]
    names += [("tie", "bob", "tie"), ("right", "left", "left")]
    rows = [dict(zip(("model_a", "model_b", "winner"), one, strict=True)) for one in names]
    imported = run(ArenaImporter(), write_jsonl(tmp_path / "b.jsonl", rows))
    won = [battle.games[0].verdict.value for battle in imported.battles]
    # Words of battle logs go first: what is called so is a side, or a tie, whoever has that name.
    assert won == ["second", "first", "tie", "first"]
    assert imported.reasons == {"unknown winner": 2}


def test_a_person_says_the_arena_else_the_rows_do(tmp_path: Path) -> None:
    row = {"id": 1, "model_a": "x", "model_b": "y", "winner": "tie"}
    path = write_jsonl(tmp_path / "battles.jsonl", [row | {"arena": "theirs"}, row | {"arena": "others"}])
    said = run(ArenaImporter(), path)
    assert said.layout.arena is None
    assert [battle.arena for battle in said.battles] == ["theirs", "others"]
    mine = run(ArenaImporter(), path, arena="mine")
    assert mine.layout.arena == "mine"
    assert [battle.arena for battle in mine.battles] == ["mine"]
    assert mine.reasons == {"duplicate id": 1}
    unnamed = run(ArenaImporter(), write_jsonl(tmp_path / "log.jsonl", [row]))
    assert (unnamed.layout.arena, unnamed.battles[0].arena) == ("log", None)
