"""Any text survives; the fixed sentences are short; the template renders as it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pocket import tokenizer

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.write(folder)
    return transformers.AutoTokenizer.from_pretrained(folder)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_any_text_survives(loaded: Any, text: str) -> None:
    assert loaded.decode(loaded.encode(text, add_special_tokens=False)) == text


def test_words_of_the_sentences_are_one_token_and_all_else_is_bytes(loaded: Any) -> None:
    assert loaded.tokenize("Write kofu backwards.") == ["Write", "Ġ", "k", "o", "f", "u", "Ġbackwards", "."]
    assert loaded.tokenize("Writer") == list("Writer")
    assert loaded.tokenize("é") == ["Ã", "©"]


def test_the_template_renders_each_turn_and_opens_the_answer(loaded: Any) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Write ab."},
        {"role": "assistant", "content": "ab"},
        {"role": "user", "content": "Now write it backwards."},
    ]
    assert loaded.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == (
        "<|system|>Be brief.<|end|><|user|>Write ab.<|end|><|assistant|>ab<|end|>"
        "<|user|>Now write it backwards.<|end|><|assistant|>"
    )


def test_generation_marks_enclose_what_the_model_says(loaded: Any) -> None:
    messages = [{"role": "user", "content": "Write ab."}, {"role": "assistant", "content": "ab"}]
    made = loaded.apply_chat_template(messages, return_assistant_tokens_mask=True, return_dict=True)
    said = [token for token, mask in zip(made["input_ids"], made["assistant_masks"], strict=True) if mask]
    assert loaded.decode(said) == "ab<|end|>"


def test_batches_are_padded_on_the_left(loaded: Any) -> None:
    ids = loaded(["ab", "a"], padding=True)["input_ids"]
    assert ids[1][0] == loaded.pad_token_id
    assert ids[1][1:] == ids[0][:1]


def test_special_tokens_are_what_they_are_called(loaded: Any) -> None:
    assert loaded.eos_token == "<|end|>"
    assert loaded.pad_token == "<|pad|>"
    assert [loaded.convert_tokens_to_ids(token) for token in tokenizer.SPECIAL_TOKENS] == list(range(5))
