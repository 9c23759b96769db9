"""Reading rows, and splitting them by prompt."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from engine.training.rows import Row, read_rows, split_by_prompt


def _row(prompt: str, number: int) -> Row:
    return Row(str(number), [{"role": "user", "content": prompt}], {})


@given(
    st.lists(st.sampled_from("abcdefghij"), max_size=60),
    st.floats(0, 0.99),
    st.integers(0, 2**32 - 1),
    st.text(),
)
def test_a_prompt_is_on_one_side_and_no_further_row_moves_it(
    prompts: list[str], fraction: float, seed: int, further: str
) -> None:
    rows = [_row(prompt, number) for number, prompt in enumerate(prompts)]
    train, held_out = split_by_prompt(rows, fraction, seed)
    assert sorted(train + held_out, key=lambda r: int(r.id)) == rows
    assert not {r.prompt_key for r in train} & {r.prompt_key for r in held_out}
    later, _ = split_by_prompt([*rows, _row(further, len(rows))], fraction, seed)
    assert [r for r in later if r in rows] == train


def test_the_held_out_part_is_about_the_fraction() -> None:
    rows = [_row(f"prompt {n}", n) for n in range(4000)]
    _, held_out = split_by_prompt(rows, 0.25, 7)
    # Six standard deviations of a binomial of 4000 draws.
    assert abs(len(held_out) - 1000) < 6 * (4000 * 0.25 * 0.75) ** 0.5


def test_texts_and_messages_are_the_same_rows(tmp_path: Path) -> None:
    messages = {
        "id": "x",
        "prompt": [{"role": "user", "content": "hi"}],
        "completion": [{"role": "assistant", "content": "ho"}],
    }
    texts = {"id": "x", "prompt": "hi", "completion": "ho"}
    jsonl, parquet = tmp_path / "a.jsonl", tmp_path / "b.parquet"
    jsonl.write_text(json.dumps(texts) + "\n\n", encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([messages]), parquet)
    first, second = read_rows((jsonl, parquet), ("completion",))
    assert first == second
    assert first.answers["completion"] == [{"role": "assistant", "content": "ho"}]


def test_an_id_is_made_of_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('\n{"prompt": "hi"}\n', encoding="utf-8")
    assert [row.id for row in read_rows((file,), ())] == ["a.jsonl:2"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no object"),
        ("[1]", "no object"),
        ('{"prompt": "a"}', "has no completion"),
        ('{"prompt": 1, "completion": "b"}', "neither a text nor a list"),
        ('{"prompt": [], "completion": "b"}', "neither a text nor a list"),
        ('{"prompt": [{"role": "root", "content": "a"}], "completion": "b"}', "something else than messages"),
        ('{"prompt": [{"role": "user", "content": null}], "completion": "b"}', "message without text"),
        ('{"prompt": [{"role": "assistant", "content": "a"}], "completion": "b"}', "nothing is asked"),
        (
            '{"prompt": "a", "completion": [{"role": "user", "content": "b"}]}',
            "begin and end with an assistant",
        ),
    ],
)
def test_a_row_that_cannot_be_trained_on_is_named_by_its_line(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "a", "completion": "b"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="1 rows cannot be trained on") as error:
        read_rows((file,), ("completion",))
    assert "rows.jsonl:2: it" in error.value.text
    assert said in error.value.text


def test_a_lone_surrogate_becomes_a_replacement_character(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "\\ud800a", "completion": "\\udfff"}\n', encoding="utf-8")
    (row,) = read_rows((file,), ("completion",))
    assert row.prompt[0]["content"] == "\ufffda"
    assert row.answers["completion"][0]["content"] == "\ufffd"
