"""Files with one column broken: null or of a wrong type in some rows, columns in another order, an unknown one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

Rows = list[dict[str, Any]]

WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.floats(-2, 12, allow_nan=False),
    st.text(max_size=4),
    st.sampled_from(["nan", "=SUM(A1)", "\ud800", "tie", "A>B", "model_1", "7"]),
    st.lists(st.one_of(st.none(), st.integers(0, 3), st.text(max_size=2)), max_size=3),
    st.dictionaries(st.sampled_from(["turns", "answer", "score", "x"]), st.text(max_size=2), max_size=2),
)


@st.composite
def broken(draw: st.DrawFn, rows: Sequence[dict[str, Any]]) -> Rows:
    """The rows with one column broken in at least one of them."""
    columns = list(rows[0])
    column = draw(st.sampled_from(columns))
    hit = draw(st.sets(st.integers(0, len(rows) - 1), min_size=1))
    order = draw(st.permutations([*columns, "unknown_column"]))
    unknown = draw(WRONG)
    changed = [
        {**row, "unknown_column": unknown} | ({column: draw(WRONG)} if i in hit else {})
        for i, row in enumerate(rows)
    ]
    return [{name: row[name] for name in order} for row in changed]
