"""The pocket world's tokenizer: one token a byte, and one for each word of its fixed sentences.

Written as the two files that ``transformers`` and its relatives load, without any library, so that the files are
the same whichever versions are installed. Any text survives encoding and decoding, because every byte has a token.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from engine.pocket.forms import FORMS

PAD, END, USER, ASSISTANT, SYSTEM = "<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"
SPECIAL_TOKENS: tuple[str, ...] = (PAD, END, USER, ASSISTANT, SYSTEM)
MAX_LENGTH = 8192
"""Longest conversation in tokens: room for a judge's whole prompt, byte by byte."""

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|' + message['role'] + '|>' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{- message['content'] + '<|end|>' -}}{%- endgeneration -%}"
    "{%- else -%}"
    "{{- message['content'] + '<|end|>' -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)
"""Each turn is its role's token, its text and ``<|end|>``; generation marks enclose what the model itself says."""

TOKENIZER_FILES: tuple[str, ...] = ("tokenizer.json", "tokenizer_config.json")


def byte_symbols() -> list[str]:
    """The printable character that stands for each byte in byte-level BPE (GPT-2's ``bytes_to_unicode``)."""
    plain = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    strange = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) if byte in plain else chr(256 + strange.index(byte)) for byte in range(256)]


def whole_words() -> list[str]:
    """The words of the fixed sentences, with the space before them, in the alphabet of ``byte_symbols``."""
    words = {
        word for form in FORMS for word in re.findall(r" ?[A-Za-z]{2,}", re.sub(r"\{\w+\}", "", form.text))
    }
    return sorted(word.replace(" ", "Ġ") for word in words)


def vocabulary() -> dict[str, int]:
    """Token to id: special tokens first, then bytes, then whole words."""
    return {token: index for index, token in enumerate((*SPECIAL_TOKENS, *byte_symbols(), *whole_words()))}


def write(folder: Path) -> None:
    """Write ``TOKENIZER_FILES`` into an existing folder."""
    for name, content in zip(TOKENIZER_FILES, (_tokenizer(), _config()), strict=True):
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _tokenizer() -> dict[str, object]:
    vocab = vocabulary()
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": vocab[token], "content": token, **flags} for token in SPECIAL_TOKENS],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        # Without merges a word is its bytes; ignore_merges lets the words of the vocabulary be one token.
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": True,
            "vocab": vocab,
            "merges": [],
        },
    }


def _config() -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": MAX_LENGTH,
        "padding_side": "left",
        "clean_up_tokenization_spaces": False,
        "pad_token": PAD,
        "eos_token": END,
        "additional_special_tokens": [USER, ASSISTANT, SYSTEM],
        "chat_template": CHAT_TEMPLATE,
    }
