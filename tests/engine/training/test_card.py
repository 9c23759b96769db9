"""A model card says what a model is, and nothing in it acts."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.training.card import inert, model_card
from engine.training.spec import Setting, StageResult

HOSTILE = "](javascript:alert(1)) <img src=x onerror=y>\n# own\x1b]0;title\x07\u202e | cell"


def _result(text: str) -> StageResult:
    return StageResult(
        kind="sft",
        name=text,
        model=Path("model"),
        model_kind="chat",
        content_hash="a" * 64,
        start_hash="b" * 64,
        template_hash=None,
        world_size=1,
        rows=3,
        eval_rows=0,
        steps=2,
        seconds=1.0,
        metrics={text: 1.0},
        settings=(
            Setting(name="chat_template", value=text, origin="given"),
            Setting(name="x", value=1, origin="trl"),
        ),
        notes=(text,),
    )


@given(st.text())
def test_inert_text_is_one_line_in_which_every_mark_is_escaped(text: str) -> None:
    shown = inert(text)
    assert not re.search(r"(?<!\\)(\\\\)*[`*_{}\[\]()#|~@!]", shown)
    assert not re.search(r"[<>]|&(?!(lt|gt|amp);)", shown)
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown)


def test_names_notes_and_metrics_of_others_change_nothing_of_the_card() -> None:
    hostile = model_card(_result(HOSTILE), {"parent": HOSTILE})
    plain = model_card(_result("x"), {"parent": "x"})
    assert [line[:1] for line in hostile.splitlines()] == [line[:1] for line in plain.splitlines()]
    assert "<img" not in hostile
    assert "\x1b" not in hostile
    assert "](" not in hostile


def test_what_was_left_to_the_library_is_not_listed() -> None:
    card = model_card(_result("name"), {"round": 2, "selection": None})
    assert "| round | 2 |" in card
    assert "selection" not in card
    assert "| x | 1 |" not in card
