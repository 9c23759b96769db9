"""Win share and margin by kind, against the table of the docs written out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.judges.derive import margin, win_share
from engine.records import NativeValue, VerdictKind

TABLE = [
    (VerdictKind.SCORES, (8.0, 5.0), 1.0, 3.0),
    (VerdictKind.SCORES, (5.5, 5.5), 0.5, 0.0),
    (VerdictKind.SCORES, (1.0, 10.0), 0.0, -9.0),
    (VerdictKind.PREFERENCE, 0.0, 1.0, 1.0),
    (VerdictKind.PREFERENCE, 0.25, 0.75, 0.5),
    (VerdictKind.PREFERENCE, 1.0, 0.0, -1.0),
    (VerdictKind.GRADE, "A>>B", 1.0, 2.0),
    (VerdictKind.GRADE, "A>B", 1.0, 1.0),
    (VerdictKind.GRADE, "A=B", 0.5, 0.0),
    (VerdictKind.GRADE, "B>A", 0.0, -1.0),
    (VerdictKind.GRADE, "B>>A", 0.0, -2.0),
    (VerdictKind.WINNER, "first", 1.0, 1.0),
    (VerdictKind.WINNER, "tie", 0.5, 0.0),
    (VerdictKind.WINNER, "second", 0.0, -1.0),
]
SWAPPED = {"A>>B": "B>>A", "A>B": "B>A", "A=B": "A=B", "first": "second", "tie": "tie"}
SWAPPED |= {theirs: ours for ours, theirs in SWAPPED.items()}


@pytest.mark.parametrize(("kind", "value", "share", "first"), TABLE)
def test_the_table(kind: VerdictKind, value: NativeValue, share: float, first: float) -> None:
    assert win_share(kind, value) == pytest.approx(share)
    assert margin(kind, value) == pytest.approx(first)


SCORE = st.floats(1, 10)
VALUES = (
    st.tuples(st.just(VerdictKind.SCORES), st.tuples(SCORE, SCORE))
    | st.tuples(st.just(VerdictKind.PREFERENCE), st.floats(0, 1))
    | st.tuples(st.just(VerdictKind.GRADE), st.sampled_from(["A>>B", "A>B", "A=B", "B>A", "B>>A"]))
    | st.tuples(st.just(VerdictKind.WINNER), st.sampled_from(["first", "tie", "second"]))
)


@given(VALUES)
def test_swapping_mirrors(verdict: tuple[VerdictKind, NativeValue]) -> None:
    kind, value = verdict
    if isinstance(value, tuple):
        swapped: NativeValue = (value[1], value[0])
    else:
        swapped = SWAPPED[value] if isinstance(value, str) else 1 - value
    assert margin(kind, swapped) == pytest.approx(-margin(kind, value))
    assert win_share(kind, swapped) == pytest.approx(1 - win_share(kind, value))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (VerdictKind.SINGLE, 7.0),
        (VerdictKind.GRADE, "A>>>B"),
        (VerdictKind.WINNER, "a"),
        (VerdictKind.SCORES, 7.0),
    ],
)
def test_what_compares_nothing_has_no_margin(kind: VerdictKind, value: NativeValue) -> None:
    with pytest.raises(ValueError, match="no margin"):
        margin(kind, value)
    with pytest.raises(ValueError, match="no margin"):
        win_share(kind, value)
