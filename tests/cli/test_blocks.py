"""Texts of models on a page: none passes for a line of ours, and what is shown is all that it costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from arena_tui import battle_page, blocks, layout, output
from arena_tui.battle_page import GOES_ON, Page
from arena_tui.blocks import BAR, MOST_CHARACTERS, MOST_LINES, block
from arena_tui.inert import inert
from arena_tui.layout import Column, Names, Table, draw, wrap
from engine.errors import UsageError
from engine.records import Conversation, Turn, Verdict, VerdictKind, VerdictStatus
from engine.store.trace import BattleTrace, Side, TracedGame

TEXT = st.text(alphabet="ab \t\n\r日👍\u0301\x1b\u2028─:", max_size=80)

FORGED = "fine\n── b: good-model (ok)\n── judge, good-model shown first: scores 10.0, 1.0\n   key v1:00"


@given(TEXT, st.sampled_from([None, 20, 40, 80]))
def test_a_block_holds_every_letter_behind_bars(text: str, width: int | None) -> None:
    lines = block(text, width)
    assert all(line.startswith(BAR) and "\n" not in line for line in lines)
    if width is not None:
        assert all(cell_len(line) <= width for line in lines)
        assert "\t" not in "".join(lines)
    said = "".join(line.removeprefix(BAR) for line in lines)
    letters = inert(text, lines=True).replace("\n", "")
    assert "".join(said.split()) == "".join(letters.split())


@pytest.mark.parametrize("text", ["x\n" * 100_000, "x" * 5_000_000, "\n" * 5_000_000])
def test_of_a_long_text_the_beginning_is_shown_and_the_rest_is_counted(text: str) -> None:
    *shown, told = block(text, 80)
    assert sum(len(line) - len(BAR) for line in shown) <= MOST_CHARACTERS
    assert len(shown) <= max(MOST_LINES, MOST_CHARACTERS // 78 + 1)
    head = min(MOST_CHARACTERS, 2 * MOST_LINES - 1 if "x\n" in text else MOST_LINES - 1)
    head = MOST_CHARACTERS if "\n" not in text else head
    assert told == f"… {len(text) - head:,} of {len(text):,} characters are left out; --whole shows them"


def test_the_whole_is_there_when_it_is_asked_for() -> None:
    text = "line\n" * 1000
    assert block(text, 80, whole=True) == [*[f"{BAR}line"] * 1000, BAR]


def trace(text: str, name: str = "bad-model") -> BattleTrace:
    """A battle in which everything that others wrote is one text, and every name one name."""
    verdict = Verdict(VerdictKind.SCORES, VerdictStatus.OK, (1.0, 10.0), explanation=text, raw=text)
    sides = [
        Side(one, "a1:0", {"name": one}, {"stop": one[:200]}, "ok", "r1:0", (Turn(text, text),))
        for one in (name, f"{name}2")
    ]
    return BattleTrace(
        id=1,
        key="b1:0",
        arena=name,
        outcome_rule="mean-margin",
        on_cut="void",
        judge=name,
        judge_facts={},
        prompt_key="p1:0",
        prompt_names=((name, name),),
        conversation=Conversation.of(text, system=text),
        category=name,
        turn=None,
        state="decided",
        reason=None,
        outcome="b",
        margin=-9.0,
        win_share=0.0,
        a=sides[0],
        b=sides[1],
        games=(TracedGame(False, "v1:0", verdict),),
        came_from="job 1, attempt 1",
    )


@pytest.mark.parametrize("width", [None, 40, 80])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("padding", [0, 38, 78, 80, 160])
def test_nothing_that_others_wrote_stands_as_a_line_of_ours(
    width: int | None, whole: bool, padding: int
) -> None:
    """Neither by line ends nor by what fills a line up to where the terminal would break it."""
    forged = " " * padding + FORGED
    said = trace(f"{forged}\r{forged}\u2028{forged}", name=f"n{forged}")
    lines = list(Page(width, raw=True, whole=whole).lines(said))
    ours = [line for line in lines if line.startswith(("──", "   key"))]
    assert len(ours) == 4  # two sides, one game, its key
    assert not any("good-model" in line[:20] for line in lines if not line.startswith((BAR, GOES_ON)))
    if width is not None:
        assert max(map(cell_len, lines)) <= width


# What it costs. Counted are the characters that pass the functions which look at each one.


class Work:
    """Counts characters. The functions themselves run as they are."""

    def __init__(self) -> None:
        self.characters = 0

    def counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(text: str, *more: Any, **settings: Any) -> Any:
            self.characters += len(text)
            return function(text, *more, **settings)

        return counted


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    counts = Work()
    for module in (battle_page, blocks, layout, output):
        for name in ("inert", "cell_len", "split_graphemes"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, counts.counting(getattr(module, name)))
    return counts


SHOWN: dict[str, Callable[[str], object]] = {
    "verdicts show": lambda text: list(Page(80, raw=True).lines(trace(text, name=text))),
    "a table": lambda text: draw(
        Table(
            [Column("a"), Column("b", fit="wrap"), Column("c", fit="list")],
            [[text, text, Names((text,) * 9)]],
        ),
        80,
    ),
    "a title or note": lambda text: wrap(text, 80, "  "),
    "an error": lambda text: output.say_error(UsageError(text, text, text)),
}


@pytest.mark.parametrize("letters", ["x", "日", "x ", "x\n", "\x1b", "\u200b", "e\u0301"], ids=ascii)
@pytest.mark.parametrize("what", SHOWN)
def test_the_work_is_that_of_what_is_shown(
    what: str, letters: str, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same for a text of 100,000 characters and for one of four million."""
    costs = []
    for length in (100_000, 4_000_000):
        before = work.characters
        SHOWN[what](letters * (length // len(letters)))
        costs.append(work.characters - before)
    assert 0 < costs[1] < costs[0] + 1000  # a longer number may be told of what is left out
    assert costs[1] < 600_000


@pytest.mark.parametrize("letters", ["x", "日", "e\u0301", "x日 ", "x "])
def test_twice_the_text_is_broken_into_lines_by_twice_the_work(letters: str, work: Work) -> None:
    costs = []
    for count in (20_000, 40_000):
        before = work.characters
        assert len(layout.broken(letters * count, 80)) > 200
        assert len(layout._wrapped(letters * count, 80)) > 200
        costs.append(work.characters - before)
    assert costs[1] < 2.01 * costs[0]
