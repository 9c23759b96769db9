from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import UsageError
from engine.formats.prompts import PromptsImporter
from engine.records import Conversation, Message
from tests.engine.formats.importing import run, write_csv, write_jsonl


def one(tmp_path: Path, row: Any) -> Conversation | None:
    [prompt] = run(PromptsImporter(), write_jsonl(tmp_path / "p.jsonl", [row])).prompts
    return prompt.conversation


@pytest.mark.parametrize(
    ("row", "conversation"),
    [
        ({"id": 1, "instruction": " Do. "}, Conversation.of(" Do. ")),
        ({"id": 1, "instruction": "Do.", "input": "this"}, Conversation.of("Do.\n\nthis")),
        ({"id": 1, "instruction": "Do.", "input": ""}, Conversation.of("Do.")),
        ({"id": 1, "prompt": "Do.", "system": "Be."}, Conversation.of("Do.", system="Be.")),
        ({"id": 1, "turns": ["one", "two"]}, Conversation.of("one", "two")),
        ({"id": 1, "turns": [{"content": "one"}]}, Conversation.of("one")),
        ({"id": 1, "turns": '["one", "two"]'}, Conversation.of("one", "two")),
        ({"id": 1, "prompt": [{"role": "user", "content": "one"}]}, Conversation.of("one")),
        ("Do.", Conversation.of("Do.")),
    ],
)
def test_where_the_text_stands(tmp_path: Path, row: Any, conversation: Conversation) -> None:
    assert one(tmp_path, row) == conversation


def test_messages_are_given_up_to_the_last_user_turn(tmp_path: Path) -> None:
    roles = ["system", "user", "assistant", "user", "assistant"]
    row = {"id": 1, "messages": [{"role": role, "content": f"{n}"} for n, role in enumerate(roles)]}
    assert one(tmp_path, row) == Conversation(
        (
            Message("system", "0"),
            Message("user", "1"),
            Message("assistant", "2"),
            Message("user", "3"),
            Message("assistant", None),
        )
    )


def test_open_turns_of_our_own_export_read_back(tmp_path: Path) -> None:
    given = Conversation(
        (Message("user", "a"), Message("assistant", None), Message("user", "b"), Message("assistant", None))
    )
    row = {"name": 1, "messages": [{"role": m.role, "content": m.content} for m in given.messages]}
    assert one(tmp_path, row) == given


def test_names_sets_categories_and_difficulties(tmp_path: Path) -> None:
    rows = [
        {"id": 7, "text": "a", "category": "x", "difficulty": "3", "set": "other"},
        {"id": 8.0, "text": "b", "category": "", "difficulty": "", "set": ""},
    ]
    prompts = run(PromptsImporter(), write_csv(tmp_path / "p.csv", rows)).prompts
    assert [(p.name, p.set_name, p.category, p.difficulty) for p in prompts[:1]] == [("7", "other", "x", 3.0)]
    assert [(p.name, p.set_name, p.category, p.difficulty) for p in prompts[1:]] == [("8.0", "p", None, None)]


def test_prompts_without_ids_are_named_by_their_line(tmp_path: Path) -> None:
    imported = run(PromptsImporter(), write_jsonl(tmp_path / "p.jsonl", ["one", "two"]), set_name="mine")
    assert [(p.name, p.set_name) for p in imported.prompts] == [("1", "mine"), ("2", "mine")]


def test_ids_that_come_twice_and_empty_prompts(tmp_path: Path) -> None:
    texts = [(1, "a"), (1, "a"), (1, "b"), (2, " "), (3, "c")]
    rows = [{"id": name, "text": text} for name, text in texts]
    imported = run(PromptsImporter(), write_jsonl(tmp_path / "p.jsonl", rows))
    assert [p.name for p in imported.prompts] == ["1", "3"]
    assert imported.reasons == {"duplicate id": 1, "id stands for two different rows": 1, "empty prompt": 1}


def test_a_table_without_texts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column with the text of prompts"):
        run(PromptsImporter(), write_jsonl(tmp_path / "p.jsonl", [{"id": 1, "query": "x"}]))
    assert one(tmp_path, {"id": 1, "text": "x"}) == Conversation.of("x")
