"""Tables as lines of text: columns are aligned by the cells that a terminal gives each letter, and fitted to its width.

Where a table is too wide, extra columns are left out first, then wrapping columns wrap, lists of names say how many
more there are, and names lose their middle. What still does not fit is drawn as a second table below the first.
Nothing is cut without a mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

from rich.cells import cell_len, split_graphemes

from arena_tui.inert import inert
from arena_tui.words import counted

Fit = Literal["keep", "cut", "list", "wrap"]

GAP = "  "
LEAST = 10
"""Cells that a squeezed column keeps, where its heading is not wider."""

LEAD = 24
"""Cells that the first column keeps where a table is drawn in parts."""

LIST = 30
"""Cells that a list of names takes at most: how many more there are says enough."""

MOST_CHARACTERS = 500
"""Of one cell; what is longer is no table's business."""

MOST_PROSE = 4000
"""Characters of a title or a note. Names in it are shortened before; this bounds what else may stand there."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        right: aligned to the right, as numbers are; such columns are never squeezed.
        fit: what happens where the table is too wide: `keep` it whole, `cut` the middle of its names, `wrap` its words;
            a `list` of names gives way first.
        extra: left out where it does not fit; the last ones go first.
    """

    name: str
    right: bool = False
    fit: Fit = "cut"
    extra: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """A cell that lists names: as many as fit, and how many more there are."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.names)

    def start(self, most: int) -> str:
        """The list's beginning, of at least `most` characters where it has them."""
        parts: list[str] = []
        for name in self.names:
            parts.append(shortened(name, most))
            most -= len(parts[-1]) + len(", ")
            if most < 0:
                break
        return ", ".join(parts)

    def fitted(self, width: int) -> str:
        """The names in so many cells, such as `ada, bob +3`. What does not fit is not looked at."""
        fit, some = "", ""
        for kept, name in enumerate(self.names, 1):
            some += f"{', ' if some else ''}{inert(shortened(name))}"
            if cell_len(some) > width:
                break
            more = len(self.names) - kept
            told = f"{some} +{more}" if more else some
            fit = told if cell_len(told) <= width else fit
        if fit or not self.names:
            return fit
        told = counted(len(self.names), "model")
        return told if cell_len(told) <= width else f"+{len(self.names)}"


Cell = str | Names


@dataclass(frozen=True, slots=True)
class Table:
    """A table. Cells are texts, numbers come formatted.

    Attributes:
        notes: what stands below it.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    notes: Sequence[str] = ()


@dataclass(slots=True)
class Drawn:
    """A table as lines, without line ends; `heads` are the places of its headings.

    Attributes:
        cut: how many cells lost something.
        left_out: headings of extra columns that did not fit.
    """

    lines: list[str] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    cut: int = 0
    left_out: tuple[str, ...] = ()


def draw(table: Table, width: int | None) -> Drawn:
    """The table's headings and rows in lines of at most `width` cells; None has no end."""
    sized = _Sized.of(table)
    chosen = _chosen(sized, width)
    drawn = Drawn(left_out=tuple(c.name for i, c in enumerate(table.columns) if i not in chosen))
    for number, block in enumerate(_blocks(sized, chosen, width)):
        if number:
            drawn.lines.append("")
        _draw_block(sized, block, width, drawn)
    return drawn


@dataclass(frozen=True, slots=True)
class _Sized:
    """A table with what its columns take.

    Attributes:
        natural: cells that a column takes with everything in it.
        least: the narrowest that it can be made.
    """

    table: Table
    natural: tuple[int, ...]
    least: tuple[int, ...]

    @classmethod
    def of(cls, table: Table) -> _Sized:
        natural, least = [], []
        for place, column in enumerate(table.columns):
            head = cell_len(column.name)
            widest = max(head, max((cell_len(_plain(row[place])) for row in table.rows), default=0))
            if column.fit == "list":
                widest = min(widest, max(LIST, head))
            rigid = column.right or column.fit == "keep"
            natural.append(widest)
            narrow = head if column.fit == "list" else max(LEAST, head)
            least.append(widest if rigid else min(widest, narrow))
        return cls(table, tuple(natural), tuple(least))


def cut_middle(text: str, width: int) -> str:
    """At most `width` cells of one inert line: its beginning and its end around an ellipsis."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    spans, _ = split_graphemes(text)
    head, tail = (width - 1 + 1) // 2, (width - 1) // 2
    return _taken(text, spans, head) + "…" + _taken(text, spans[::-1], tail, backwards=True)


def _taken(text: str, spans: Sequence[tuple[int, int, int]], width: int, *, backwards: bool = False) -> str:
    parts: list[str] = []
    for start, end, cells in spans:
        width -= cells
        if width < 0:
            break
        parts.append(text[start:end])
    return "".join(reversed(parts) if backwards else parts)


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """At most so many characters of a text: its beginning, and an ellipsis for the rest."""
    return text if len(text) <= most else f"{text[: max(most - 1, 0)]}…"


def _plain(cell: Cell) -> str:
    return inert(shortened(cell.start(MOST_CHARACTERS + 1) if isinstance(cell, Names) else cell))


def _chosen(sized: _Sized, width: int | None) -> list[int]:
    """The columns that are drawn: extra ones only where all before them fit beside the others at full width."""
    columns = sized.table.columns
    if width is None:
        return list(range(len(columns)))
    needed = [i for i, column in enumerate(columns) if not column.extra]
    room = width - sum(sized.natural[i] + len(GAP) for i in needed) + len(GAP)
    chosen = set(needed)
    for i, column in enumerate(columns):
        if column.extra:
            room -= sized.natural[i] + len(GAP)
            if room < 0:
                break
            chosen.add(i)
    return sorted(chosen)


def _blocks(sized: _Sized, chosen: Sequence[int], width: int | None) -> list[list[int]]:
    """Columns in groups that can be made to fit; the first column leads each."""
    if width is None or not chosen:
        return [list(chosen)]
    first, *others = chosen
    lead = min(sized.natural[first], max(sized.least[first], LEAD))
    blocks, room = [[first]], width - lead
    for column in others:
        needs = sized.least[column] + len(GAP)
        if needs > room and len(blocks[-1]) > 1:
            blocks.append([first])
            room = width - lead
        blocks[-1].append(column)
        room -= needs
    return blocks


def _draw_block(sized: _Sized, block: Sequence[int], width: int | None, drawn: Drawn) -> None:
    columns = [sized.table.columns[i] for i in block]
    widths = _widths(sized, block, width)
    heads = [_padded(cut_middle(c.name, w), w, c) for c, w in zip(columns, widths, strict=True)]
    drawn.heads.append(len(drawn.lines))
    drawn.lines.append(GAP.join(heads).rstrip())
    drawn.lines.append(GAP.join("─" * w for w in widths))
    for row in sized.table.rows:
        cells = [_fitted(row[i], w, c) for i, w, c in zip(block, widths, columns, strict=True)]
        drawn.cut += sum(not whole for _, whole in cells)
        for parts in zip_longest(*(lines for lines, _ in cells), fillvalue=""):
            drawn.lines.append(
                GAP.join(_padded(*part) for part in zip(parts, widths, columns, strict=True)).rstrip()
            )


def _widths(sized: _Sized, block: Sequence[int], width: int | None) -> list[int]:
    """Cells for each column: what it asks for, and less for the widest that can be squeezed where it is too much."""
    widths = [sized.natural[i] for i in block]
    if width is None:
        return widths
    over = sum(widths) + len(GAP) * (len(block) - 1) - width
    while over > 0:
        squeezable = [k for k, i in enumerate(block) if widths[k] > sized.least[i]]
        lists = [k for k in squeezable if sized.table.columns[block[k]].fit == "list"]
        squeezable = lists or squeezable
        if not squeezable:
            break
        widest = max(squeezable, key=lambda k: widths[k])
        floor = max([sized.least[block[widest]], *(widths[k] for k in squeezable if k != widest)])
        step = min(over, max(1, widths[widest] - floor))
        widths[widest] -= step
        over -= step
    return widths


def _fitted(cell: Cell, width: int, column: Column) -> tuple[list[str], bool]:
    """The lines of a cell, and whether it is whole."""
    if isinstance(cell, Names):
        return [cut_middle(cell.fitted(width), width)], True
    text = _plain(cell)
    if cell_len(text) <= width:
        return [text], len(str(cell)) <= MOST_CHARACTERS
    if column.fit == "wrap":
        return _wrapped(text, width), len(str(cell)) <= MOST_CHARACTERS
    return [cut_middle(text, width)], False


def _wrapped(text: str, width: int) -> list[str]:
    """The words of a text in lines of at most `width` cells; a longer word is broken. Linear time."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        if cell_len(word) > width:
            room = width - cell_len(line) - 1 if line else width
            if room < 2:  # a wide letter takes two
                lines.append(line)
                line, room = "", width
            begun, *pieces = broken(word, width, room)
            lines += [f"{line} {begun}" if line else begun, *pieces]
            line, word = "", lines.pop()
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
        else:
            lines.append(line)
            line = word
    return [*lines, line] if line or not lines else lines


def broken(text: str, width: int, first: int | None = None) -> list[str]:
    """A text without line ends in pieces of at most `width` cells, the first of at most `first`. Linear time.

    A letter that is wider than its line stands in one alone; there is always a piece.
    """
    pieces: list[str] = []
    start, room = 0, width if first is None else first
    for begin, _, cells in split_graphemes(text)[0]:
        if cells > room and begin > start:
            pieces.append(text[start:begin])
            start, room = begin, width
        room -= cells
    return [*pieces, text[start:]]


def wrap(text: str, width: int | None, indent: str = "") -> list[str]:
    """One inert line of prose in lines of at most `width` cells; all but the first begin with the indent."""
    text = inert(shortened(text, MOST_PROSE))
    if width is None or cell_len(text) <= width:
        return [text]
    first, *rest = _wrapped(text, max(width - len(indent), LEAST))
    return [first, *(f"{indent}{line}" for line in rest)]


def _padded(text: str, width: int, column: Column) -> str:
    spaces = " " * (width - cell_len(text))
    return spaces + text if column.right else text + spaces
