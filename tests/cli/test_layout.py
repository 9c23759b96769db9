"""Tables: aligned by cells, within the width, and nothing lost without a mark."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from arena_tui.inert import inert
from arena_tui.layout import Column, Drawn, Names, Table, cut_middle, draw, wrap

LETTERS = st.text(alphabet="ab-é日本👍\u0301\x1b\u200b", max_size=12)
WORDS = st.text(alphabet="ab -é日本👍", max_size=40)


@st.composite
def tables(draw_: st.DrawFn) -> Table:
    columns = draw_(
        st.lists(
            st.builds(
                Column,
                name=st.text(alphabet="abc ", min_size=1, max_size=8),
                right=st.booleans(),
                fit=st.sampled_from(["keep", "cut", "wrap"]),
                extra=st.booleans(),
            ),
            min_size=1,
            max_size=5,
        )
    )
    row = st.lists(LETTERS, min_size=len(columns), max_size=len(columns))
    return Table(columns, draw_(st.lists(row, max_size=5)))


@given(tables())
def test_without_a_width_every_text_is_there(table: Table) -> None:
    drawn = draw(table, None)
    assert drawn.cut == 0
    for row in table.rows:
        assert any(all(inert(str(cell)) in line for cell in row) for line in drawn.lines)


@given(tables(), st.integers(40, 120))
def test_every_line_fits(table: Table, width: int) -> None:
    """But where a single column that must be kept whole is wider than the terminal, and there are none such here."""
    narrowest = max(cell_len(inert(str(cell))) for row in table.rows for cell in row) if table.rows else 0
    drawn = draw(table, width)
    assert max(map(cell_len, drawn.lines)) <= max(width, 2 * narrowest + 20)


@given(st.lists(st.tuples(LETTERS, st.integers(0, 10**6)), min_size=1, max_size=8), st.integers(40, 90))
def test_numbers_end_in_one_column(rows: list[tuple[str, int]], width: int) -> None:
    table = Table([Column("name"), Column("number", right=True)], [[name, str(n)] for name, n in rows])
    lines = draw(table, width).lines
    assert {cell_len(line) for line in lines} == {cell_len(lines[1])}


def test_names_lose_their_middle_and_it_is_counted() -> None:
    table = Table([Column("model"), Column("n", right=True)], [["lab/checkpoint-000100", "1"], ["b", "2"]])
    drawn = draw(table, 18)
    assert drawn.lines == [
        "model            n",
        "───────────────  ─",
        "lab/che…-000100  1",
        "b                2",
    ]
    assert drawn.cut == 1


def test_wide_letters_are_never_split() -> None:
    assert cut_middle("日本語日本語", 5) == "日…語"
    assert cut_middle("日本語", 6) == "日本語"
    assert cut_middle("e\u0301" * 9, 3) == "e\u0301…e\u0301"
    assert cut_middle("abc", 1) == "…"


def test_lists_of_names_say_how_many_more_there_are() -> None:
    names = Names(("ada", "bob", "a-longer-name"))
    assert names.fitted(40) == "ada, bob, a-longer-name"
    assert names.fitted(12) == "ada, bob +1"
    assert names.fitted(9) == "ada +2"
    assert names.fitted(5) == "+3"
    assert Names(("a-longer-name",) * 2).fitted(9) == "2 models"
    assert Names(()).fitted(3) == ""


def test_columns_that_do_not_fit_are_left_out_and_named() -> None:
    columns = [Column("model"), Column("rating", right=True), Column("median", right=True, extra=True)]
    table = Table(columns, [["ada", "1000.0", "1001.0"]])
    assert draw(table, 40).left_out == ()
    assert draw(table, 20).left_out == ("median",)
    assert all("median" not in line for line in draw(table, 20).lines)


def test_what_can_not_be_left_out_is_drawn_below() -> None:
    columns = [Column("model"), *(Column(f"number{i}", right=True) for i in range(4))]
    drawn = draw(Table(columns, [["ada", "1", "2", "3", "4"]]), 30)
    assert drawn.heads == [0, 4]
    assert [line for line in drawn.lines if "ada" in line] == [
        "ada          1        2",
        "ada          3        4",
    ]


def test_prose_wraps_and_loses_nothing() -> None:
    table = Table(
        [Column("key", fit="keep"), Column("meaning", fit="wrap")], [["run.seed", "seed of everything drawn"]]
    )
    drawn = draw(table, 24)
    assert drawn.lines[2:] == ["run.seed  seed of", "          everything", "          drawn"]
    assert drawn.cut == 0


@given(WORDS, st.integers(10, 30))
def test_wrapping_keeps_every_letter(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join(lines).replace(" ", "") == inert(text).replace(" ", "")
    assert all(cell_len(line) <= width for line in lines)


def test_a_table_without_rows_is_its_headings() -> None:
    assert draw(Table([Column("a"), Column("b")], []), 40) == Drawn(["a  b", "─  ─"], [0])
