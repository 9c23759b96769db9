"""Win share and margin of the first shown response, from the native value of each kind of verdict: one table.

| kind | value | win share of the first | margin of the first |
|---|---|---|---|
| scores | s1, s2 in 1..10 | 1 if s1 > s2, 1/2 if equal, else 0 | s1 - s2, in -9..9 |
| preference | p in 0..1, that the second is better | 1 - p | 1 - 2p, in -1..1 |
| grade | A>>B A>B A=B B>A B>>A, A shown first | 1, 1, 1/2, 0, 0 | 2, 1, 0, -1, -2 |
| winner | first, tie, second | 1, 1/2, 0 | 1, 0, -1 |
| single | a score | none | none |

A margin is in the units of its kind, so margins of two kinds are never averaged or compared. Swapping what is shown
turns the margin's sign and takes the win share to one minus itself.
"""

from __future__ import annotations

from engine.records import NativeValue, VerdictKind

_GRADE_MARGINS = {"A>>B": 2.0, "A>B": 1.0, "A=B": 0.0, "B>A": -1.0, "B>>A": -2.0}
_WINNER_MARGINS = {"first": 1.0, "tie": 0.0, "second": -1.0}


def margin(kind: VerdictKind, value: NativeValue) -> float:
    """The margin of the first shown response, in the units of the kind.

    Raises:
        ValueError: the kind compares nothing (`single`), or the value is not one of its kind.
    """
    match kind, value:
        case VerdictKind.SCORES, (first, second):
            return float(first) - float(second)
        case VerdictKind.PREFERENCE, int() | float():
            return 1.0 - 2.0 * value
        case VerdictKind.GRADE, str() if value in _GRADE_MARGINS:
            return _GRADE_MARGINS[value]
        case VerdictKind.WINNER, str() if value in _WINNER_MARGINS:
            return _WINNER_MARGINS[value]
    raise ValueError(f"no margin in {value!r}, a verdict of kind {kind}")


def win_share(kind: VerdictKind, value: NativeValue) -> float:
    """The share of a win that the first shown response gets, 0..1, a tie being half.

    Raises:
        ValueError: as `margin`.
    """
    first = margin(kind, value)
    if kind is VerdictKind.PREFERENCE:
        return (1.0 + first) / 2.0
    return 1.0 if first > 0 else 0.0 if first < 0 else 0.5
