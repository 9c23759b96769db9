from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.flywheel.selection.shingles import Likeness, shingles


def test_runs_of_three_words() -> None:
    assert shingles("What IS  36 - 26?") == {("what", "is", "36"), ("is", "36", "-"), ("36", "-", "26")}
    assert shingles("two words") == {("two", "words")}
    assert shingles("?!") == frozenset()
    assert shingles("日本語字") == {("日", "本", "語"), ("本", "語", "字")}


def test_the_share_of_runs_that_both_have() -> None:
    """a b c d e and a b c d f: runs abc bcd cde, and abc bcd cdf: 2 of 4."""
    likeness = Likeness(["a b c d e", "x y z"])
    assert likeness.nearest("a b c d f") == 0.5
    assert likeness.nearest("A  b c d E!") == 1.0
    assert likeness.nearest("q r s t") == 0.0
    assert Likeness([]).nearest("a b c") == 0.0


def test_signs_of_arithmetic_are_words() -> None:
    assert Likeness(["What is 36 - 26?"]).nearest("What is 36 + 26?") == pytest.approx(1 / 5)


@given(st.lists(st.text("abc ", max_size=30), max_size=6), st.text("abc ", max_size=30))
def test_it_is_the_greatest_of_all_pairs(texts: list[str], text: str) -> None:
    def jaccard(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
        return len(one & other) / len(one | other) if one | other else 0.0

    likeness = Likeness(texts)
    expected = max((jaccard(shingles(text), shingles(one)) for one in texts), default=0.0)
    assert likeness.nearest(text) == (1.0 if likeness.has(text) else expected)
