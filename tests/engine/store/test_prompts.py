"""Prompts and their sets: one text one prompt, names unique in a set, texts that come later."""

from __future__ import annotations

import pytest

from engine import keys
from engine.records import Conversation, Message, Prompt
from engine.store import Store
from engine.store.prompts import (
    LandedPrompt,
    ListedPrompt,
    land_prompts,
    list_set,
    read_conversation,
    read_conversations,
    read_set,
    set_names,
)

HELLO, BYE = Conversation.of("Hello?"), Conversation.of("Bye?", "Really?", system="Be brief.")


def land(store: Store, *prompts: Prompt) -> list[LandedPrompt]:
    with store.write() as tx:
        return land_prompts(tx, list(prompts))


def test_a_set_is_read_in_the_order_in_which_its_prompts_came(store: Store) -> None:
    given = Conversation(
        (Message("user", "a"), Message("assistant", "b"), Message("user", "c"), Message("assistant", None))
    )
    first = [Prompt("z", HELLO, "set", "greeting", 0.5, {"split": "train"}), Prompt("a", BYE, "set")]
    land(store, *first)
    land(store, *first, Prompt("m", given, "set"))
    assert [one.prompt for one in read_set(store.reader, "set")] == [*first, Prompt("m", given, "set")]
    assert set_names(store.reader) == [("set", 3)]


def test_a_set_is_listed_without_its_texts_which_are_had_by_number(store: Store) -> None:
    train, cut = (
        Prompt("z", BYE, "set", "greeting", None, {"split": "train"}),
        {"split": 3, "nan": float("nan")},
    )
    first, second, third = land(
        store, train, Prompt("a", HELLO, "set", meta=cut), Prompt("named", None, "set", "greeting")
    )
    assert list(list_set(store.reader, "set")) == [
        ListedPrompt(first.prompt_id, first.key, "z", "greeting", "train", 2, has_text=True),
        ListedPrompt(second.prompt_id, second.key, "a", None, None, 1, has_text=True),
        ListedPrompt(third.prompt_id, third.key, "named", "greeting", None, 1, has_text=False),
    ]
    assert list(list_set(store.reader, "another")) == []
    numbers = [first.prompt_id, second.prompt_id, third.prompt_id, first.prompt_id]
    assert read_conversations(store.reader, numbers) == {first.prompt_id: BYE, second.prompt_id: HELLO}


def test_the_same_text_in_two_sets_is_one_prompt(store: Store) -> None:
    (one,) = land(store, Prompt("1", HELLO, "first"))
    (two,) = land(store, Prompt("other", HELLO, "second"))
    assert (one.prompt_id, one.key) == (two.prompt_id, two.key)
    assert one.key == keys.prompt_key(HELLO)


def test_landing_again_adds_nothing(store: Store) -> None:
    prompts = [Prompt("1", HELLO, "set"), Prompt("2", None, "set"), Prompt("1", HELLO, "set")]
    assert [one.state for one in land(store, *prompts)] == ["new", "new", "known"]
    assert [one.state for one in land(store, *prompts)] == ["known"] * 3
    assert store.reader.execute("SELECT COUNT(*) FROM prompts").fetchone() == (2,)


def test_another_text_under_a_name_is_told_and_leaves_nothing_behind(store: Store) -> None:
    (first,) = land(store, Prompt("1", HELLO, "set"))
    (again,) = land(store, Prompt("1", BYE, "set"))
    assert again == LandedPrompt(first.prompt_id, first.key, "contradicts")
    assert read_conversation(store.reader, first.prompt_id) == HELLO
    assert store.reader.execute("SELECT COUNT(*) FROM prompts").fetchone() == (1,)
    assert store.reader.execute("SELECT COUNT(*) FROM texts").fetchone() == (1,)


@pytest.mark.parametrize("together", [True, False])
def test_a_prompt_known_by_name_gets_its_text_later_and_keeps_its_key(store: Store, together: bool) -> None:
    named = Prompt("1", None, "set")
    told = Prompt("1", BYE, "set", "parting", 2.0, {"split": "test"})
    landed = land(store, named, told) if together else land(store, named) + land(store, told)
    assert [one.state for one in landed] == ["new", "filled"]
    assert {(one.prompt_id, one.key) for one in landed} == {
        (landed[0].prompt_id, keys.named_prompt_key("set", "1"))
    }
    (stored,) = read_set(store.reader, "set")
    assert stored.prompt == told
    assert store.reader.execute("SELECT open_turns FROM prompts").fetchall() == [(2,)]
    assert [one.state for one in land(store, told, named)] == ["known", "known"]
    assert [one.state for one in land(store, Prompt("1", HELLO, "set"))] == ["contradicts"]


def test_names_without_text_in_two_sets_are_two_prompts(store: Store) -> None:
    (one,), (two,) = land(store, Prompt("1", None, "first")), land(store, Prompt("1", None, "second"))
    assert one.prompt_id != two.prompt_id
    assert read_conversation(store.reader, one.prompt_id) is None
