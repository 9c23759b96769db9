from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import UsageError
from engine.formats.responses import ResponsesImporter
from engine.formats.rows import PromptRef, ResponseRow
from engine.records import ResponseStatus, Turn
from tests.engine.formats.importing import run, write_csv, write_jsonl


def one(tmp_path: Path, **row: Any) -> ResponseRow:
    said = {"prompt_id": 1, "model": "m", **row}
    [response] = run(ResponsesImporter(), write_jsonl(tmp_path / "r.jsonl", [said])).responses
    return response


def test_a_plain_response(tmp_path: Path) -> None:
    response = one(tmp_path, response=" text ")
    assert response == ResponseRow(
        PromptRef("r", "1"), "m", (Turn(" text "),), line=1, file=str(tmp_path / "r.jsonl")
    )


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"response": ""}, ResponseStatus.EMPTY),
        ({"response": " \n"}, ResponseStatus.EMPTY),
        ({"response": "x", "finish_reason": "length"}, ResponseStatus.CUT),
        ({"response": "x", "finish_reason": "content_filter"}, ResponseStatus.REFUSED),
        ({"response": "x", "finish_reason": "stop"}, ResponseStatus.OK),
        ({"response": "x", "status": "refused"}, ResponseStatus.REFUSED),
        ({"response": None, "status": "failed", "error": "HTTP 500"}, ResponseStatus.FAILED),
    ],
)
def test_what_became_of_a_response(tmp_path: Path, row: dict[str, Any], status: ResponseStatus) -> None:
    response = one(tmp_path, **row)
    assert response.status is status
    assert response.error == row.get("error")


def test_what_is_told_of_turns(tmp_path: Path) -> None:
    turn = {
        "answer": "x",
        "thinking": "hm",
        "finish_reason": "stop",
        "tokens_in": 5,
        "tokens_out": 2,
        "latency_ms": 1.5,
    }
    expected = Turn("x", "hm", "stop", 5, 2, 1.5)
    assert one(tmp_path, turns=[turn, {**turn, "answer": ""}]).turns == (
        expected,
        Turn("", "hm", "stop", 5, 2, 1.5),
    )
    assert one(
        tmp_path, response=turn["answer"], **{k: v for k, v in turn.items() if k != "answer"}
    ).turns == (expected,)
    assert one(tmp_path, turns='["a", "b"]').turns == (Turn("a"), Turn("b"))


def test_prompts_beside_responses_come_once(tmp_path: Path) -> None:
    rows = [
        {"prompt_id": 1, "model": model, "response": "r", "instruction": text}
        for model, text in (("m", "Do."), ("n", "Do."), ("o", "Other."))
    ]
    imported = run(ResponsesImporter(), write_csv(tmp_path / "r.csv", rows))
    assert [p.name for p in imported.prompts] == ["1"]
    assert [(r.model, r.prompt) for r in imported.responses] == [
        ("m", PromptRef("r", "1")),
        ("n", PromptRef("r", "1")),
    ]
    assert imported.reasons == {"prompt id stands for two texts": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"response": None}, "no response"),
        ({"response": 5}, "response is not text"),
        ({"response": "x", "status": "fine"}, "unknown status"),
        ({"response": "x", "model": None}, "no model"),
        ({"response": "x", "prompt_id": None}, "no prompt_id"),
        ({"response": "x", "tokens_out": -1}, "tokens_out is not in 0 to inf"),
        ({"response": "x", "tokens_out": 1.5}, "tokens_out is not a whole number"),
        (
            {"response": ["x", "y"], "prompt": "one turn"},
            "the response has not one text for each turn of the prompt",
        ),
    ],
)
def test_rows_that_cannot_be_used(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    path = write_jsonl(tmp_path / "r.jsonl", [{"prompt_id": 1, "model": "m", **row}])
    assert run(ResponsesImporter(), path).reasons == {reason: 1}


def test_a_model_that_only_the_person_knows(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "r.jsonl", [{"id": 1, "output": "x"}])
    imported = run(ResponsesImporter(), path, mapping={"=gpt-4": "model"})
    assert [r.model for r in imported.responses] == ["gpt-4"]
    with pytest.raises(UsageError, match="no column for model"):
        run(ResponsesImporter(), path)
