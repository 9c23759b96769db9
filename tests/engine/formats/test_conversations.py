"""ShareGPT conversations, OpenAssistant trees and preference pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.formats.oasst import OasstImporter
from engine.formats.preferences import PreferencesImporter
from engine.formats.sharegpt import ShareGptImporter
from engine.records import Conversation, Message
from tests.engine.formats.importing import Imported, run, write_jsonl

ASKED = Conversation.of("q1", "q2")
GIVEN = Conversation(
    (Message("user", "q1"), Message("assistant", "a1"), Message("user", "q2"), Message("assistant", None))
)


def talk(*turns: str, first: str = "human") -> dict[str, Any]:
    names = ["human", "gpt"] if first == "human" else ["gpt", "human"]
    return {
        "id": "t",
        "conversations": [{"from": names[n % 2], "value": text} for n, text in enumerate(turns)],
    }


def shared(tmp_path: Path, row: Any, **extra: str) -> Imported:
    return run(ShareGptImporter(), write_jsonl(tmp_path / "s.jsonl", [row]), extra=extra)


@pytest.mark.parametrize(
    ("opened", "conversation", "answers"),
    [("last", GIVEN, ["a2"]), ("all", ASKED, ["a1", "a2"]), ("first", Conversation.of("q1"), ["a1"])],
)
def test_what_of_a_conversation_is_to_be_answered(
    tmp_path: Path, opened: str, conversation: Conversation, answers: list[str]
) -> None:
    imported = shared(tmp_path, talk("q1", "a1", "q2", "a2"), open=opened, model="vicuna")
    assert [p.conversation for p in imported.prompts] == [conversation]
    [response] = imported.responses
    assert (response.model, [turn.answer for turn in response.turns]) == ("vicuna", answers)
    assert shared(tmp_path, talk("q1", "a1", "q2", "a2"), open=opened).responses == []


def test_a_conversation_that_ends_with_a_question(tmp_path: Path) -> None:
    imported = shared(tmp_path, talk("q1", "a1", "q2"), model="vicuna")
    assert [p.conversation for p in imported.prompts] == [GIVEN]
    assert imported.responses == []


def test_a_conversation_that_starts_in_the_middle(tmp_path: Path) -> None:
    imported = shared(tmp_path, talk("a0", "q1", "a1", first="gpt"))
    assert imported.reasons == {"the conversation does not start with a user turn": 1}


HISTORY = "\n\nHuman: q1\n\nAssistant: a1\n\nHuman: q2\n\nAssistant:"
MESSAGES = [{"role": m.role, "content": m.content} for m in GIVEN.messages[:-1]]


@pytest.mark.parametrize(
    "row",
    [
        {"chosen": f"{HISTORY} good", "rejected": f"{HISTORY} bad"},
        {"prompt": HISTORY, "chosen": "good", "rejected": "bad"},
        {
            "chosen": [*MESSAGES, {"role": "assistant", "content": "good"}],
            "rejected": [*MESSAGES, {"role": "assistant", "content": "bad"}],
        },
        {
            "prompt": MESSAGES,
            "chosen": [{"role": "assistant", "content": "good"}],
            "rejected": [{"role": "assistant", "content": "bad"}],
        },
        {"prompt": MESSAGES, "chosen": "good", "rejected": "bad"},
    ],
)
def test_forms_of_preference_pairs(tmp_path: Path, row: dict[str, Any]) -> None:
    [battle] = run(PreferencesImporter(), write_jsonl(tmp_path / "hh.jsonl", [row])).battles
    assert getattr(battle.prompt, "conversation", None) == GIVEN
    assert (battle.model_a, battle.model_b, battle.judge) == ("chosen", "rejected", "hh")
    assert battle.games[0].verdict.value == "first"
    assert battle.response_a is not None
    assert battle.response_b is not None
    assert (battle.response_a[0].answer, battle.response_b[0].answer) == ("good", "bad")


def test_transcripts_are_kept_exactly(tmp_path: Path) -> None:
    row = {
        "chosen": "\n\nHuman:  two \nlines\n\nAssistant:",
        "rejected": "\n\nHuman:  two \nlines\n\nAssistant:  x ",
    }
    [battle] = run(PreferencesImporter(), write_jsonl(tmp_path / "hh.jsonl", [row])).battles
    assert getattr(battle.prompt, "conversation", None) == Conversation.of(" two \nlines")
    assert battle.response_a is not None
    assert battle.response_b is not None
    assert (battle.response_a[0].answer, battle.response_b[0].answer) == ("", " x ")


def test_models_that_a_pair_names(tmp_path: Path) -> None:
    row = {
        "prompt": "q",
        "chosen": "x",
        "rejected": "y",
        "chosen_model": "m",
        "rejected_model": "n",
        "judge": "j",
    }
    [battle] = run(PreferencesImporter(), write_jsonl(tmp_path / "p.jsonl", [row])).battles
    assert (battle.model_a, battle.model_b, battle.judge) == ("m", "n", "j")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"chosen": "x", "rejected": "y"}, "no prompt"),
        ({"prompt": "q", "chosen": "x", "rejected": "x"}, "chosen equals rejected"),
        ({"prompt": "q", "chosen": "x", "rejected": None}, "no rejected"),
        (
            {"chosen": f"{HISTORY} x", "rejected": "\n\nHuman: q1\n\nAssistant: y"},
            "chosen and rejected do not share their history",
        ),
        ({"chosen": "\n\nHuman: q", "rejected": "\n\nHuman: q"}, "chosen does not end with an answer"),
    ],
)
def test_pairs_that_cannot_be_used(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    assert run(PreferencesImporter(), write_jsonl(tmp_path / "p.jsonl", [row])).reasons == {reason: 1}


def node(name: str, role: str, *replies: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {"message_id": name, "role": role, "text": f"text of {name}", "replies": list(replies), **other}


def grown(tmp_path: Path, *trees: dict[str, Any], **extra: str) -> Imported:
    rows = [{"message_tree_id": tree["message_id"], "prompt": tree} for tree in trees]
    return run(OasstImporter(), write_jsonl(tmp_path / "o.jsonl", rows), extra=extra)


def test_trees_give_prompts_with_their_path_and_pairs_by_rank(tmp_path: Path) -> None:
    deeper = node("p2", "prompter", node("b1", "assistant"))
    answers = [
        node("a2", "assistant", rank=2),
        node("a0", "assistant", deeper, rank=0),
        node("a1", "assistant", rank=1),
    ]
    imported = grown(tmp_path, node("p1", "prompter", *answers, node("a3", "assistant")))
    assert [p.name for p in imported.prompts] == ["p1", "p2"]
    assert imported.prompts[1].conversation == Conversation(
        (
            Message("user", "text of p1"),
            Message("assistant", "text of a0"),
            Message("user", "text of p2"),
            Message("assistant", None),
        )
    )
    assert [b.source_id for b in imported.battles] == ["a0>a1", "a0>a2", "a1>a2"]
    assert {b.judge for b in imported.battles} == {"human"}
    assert [p.name for p in grown(tmp_path, node("p1", "prompter", *answers), prompts="root").prompts] == [
        "p1"
    ]


def test_equal_ranks_are_no_preference(tmp_path: Path) -> None:
    answers = [node(name, "assistant", rank=0) for name in ("a", "b")]
    assert grown(tmp_path, node("p", "prompter", *answers)).battles == []


def test_messages_that_cannot_be_used_are_told_one_by_one(tmp_path: Path) -> None:
    answers = [
        node("a", "assistant", rank=0),
        node("b", "assistant", rank=1, deleted=True),
        node("c", "prompter"),
        node("d", "assistant", rank=2, text=None),
    ]
    imported = grown(tmp_path, node("p", "prompter", *answers), node("q", "assistant"), node("p", "prompter"))
    assert [p.name for p in imported.prompts] == ["p"]
    assert imported.reasons == {
        "deleted message": 1,
        "a message has not the role assistant": 1,
        "no text": 1,
        "a message has not the role user": 1,
        "id stands for two different rows": 1,
    }


def test_a_tree_of_any_depth(tmp_path: Path) -> None:
    tree = node("end", "prompter")
    for n in range(150):
        tree = node(f"p{n}", "prompter", node(f"a{n}", "assistant", tree))
    assert len(grown(tmp_path, tree).prompts) == 151
