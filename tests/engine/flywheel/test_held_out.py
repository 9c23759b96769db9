"""Held-out prompts never train: whatever is held out, and by whatever way rows are chosen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.flywheel.selection.choosing import choose
from engine.flywheel.selection.shingles import Likeness
from engine.records import Conversation, Prompt
from engine.store.prompts import land_prompts
from tests.engine.flywheel.fighting import Ring
from tests.engine.store.landing import fresh_store

QUESTIONS = [
    f"{verb} the {noun} {how}"
    for verb in ("Name", "Draw", "Sing of")
    for noun in ("fox", "sea")
    for how in ("now", "twice")
]
_numbers = count()


@pytest.fixture(scope="module")
def ring() -> Iterator[Ring]:
    with fresh_store() as store:
        made = Ring(store)
        for number, text in enumerate(QUESTIONS):
            made.fought(
                text,
                {"me": f"no {number}", "ann": f"yes {number} {text[::-1]}"},
                {("me", "ann"): [(1, 2 + number % 5)]},
            )
        yield made


@given(
    st.sets(st.sampled_from(QUESTIONS)),
    st.sampled_from(["battles", "all", "random", "cluster", "longest"]),
    st.sampled_from(["sft", "dpo"]),
    st.sampled_from([str.upper, str.title, lambda text: f" {text}\n"]),
    st.sampled_from([0.3, 0.8, 1.0]),
)
def test_held_out_prompts_are_never_selected(
    ring: Ring, held: set[str], strategy: str, stage: str, change: object, near: float
) -> None:
    """Nor are those that read the same in another writing, nor those that are near."""
    assert callable(change)
    name = f"test-{next(_numbers)}"
    with ring.store.write() as tx:
        some = [Prompt(f"t{n}", Conversation.of(change(text)), name) for n, text in enumerate(sorted(held))]
        some = some or [Prompt("t", Conversation.of("Something else."), name)]
        land_prompts(tx, some)
    selection = choose(ring.pool(stage, held_out=(name,), near=near, strategy=strategy, seed=3))
    ids = {one.candidate.prompt_id for one in selection.rows}
    texts = {text: number for number, text in enumerate(QUESTIONS, start=1)}
    likeness = Likeness(held)
    kept = {text for text, number in texts.items() if number in ids}
    assert not kept & held
    assert all(near == 1 or likeness.nearest(text) < near for text in kept)
    assert kept == {
        text for text in QUESTIONS if text not in held and (near == 1 or likeness.nearest(text) < near)
    }
