"""How counts, times and sizes are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena_tui.progress import (
    ASCII_BAR,
    bar_line,
    describe,
    duration,
    preflight_table,
    progress_line,
    size,
)

COUNT = st.integers(0, 10**7)
FACTS = st.fixed_dictionaries(
    {
        "done": COUNT,
        "total": COUNT,
        "responses": COUNT,
        "responses_total": COUNT,
        "waiting": COUNT,
        "load": st.just({}) | st.just({"ada": {"in_flight": 30, "window": 32, "limit": 64}}),
        "battles_per_second": st.floats(0, 1e5),
        "eta_seconds": st.none() | st.floats(0, 1e8),
    }
).map(lambda facts: facts | {"done": min(facts["done"], facts["total"])})


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.2, "1 s"),
        (59.4, "59 s"),
        (59.9, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (400_000, "4 d 15 h"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (340_000, "340.0 kB"), (1.25e9, "1.2 GB"), (2e12, "2.0 TB")],
)
def test_sizes(count: float, said: str) -> None:
    assert size(count) == said


@given(FACTS, st.integers(39, 200))
def test_a_bar_always_fits_and_says_how_many_battles(facts: dict[str, float], width: int) -> None:
    line = bar_line(facts, width)
    assert len(line) <= width
    assert f"{facts['done']:,}/{facts['total']:,}"[: width - 8] in line
    share = facts["done"] / facts["total"] if facts["total"] else 1
    assert line.startswith(f"{int(100 * share):3d} %")


def test_a_bar_is_drawn_to_scale() -> None:
    facts = {"done": 30, "total": 120, "responses": 5, "responses_total": 5, "waiting": 2}
    facts |= {"battles_per_second": 12.3, "eta_seconds": 200.0, "load": {}}
    told = "30/120 battles  3 min 20 s left  12.3/s  2 waiting"
    assert bar_line(facts, 80, ASCII_BAR) == f" 25 %  {'#' * 5}{'-' * 16}  {told}"
    assert bar_line(facts, 55, ASCII_BAR) == f" 25 %  {'#' * 4}{'-' * 11}  30/120 battles  3 min 20 s left"
    assert progress_line(facts) == told


def test_what_is_with_the_servers_is_shown_of_all_together() -> None:
    facts = {
        "done": 0,
        "total": 9,
        "responses": 5,
        "responses_total": 5,
        "waiting": 0,
        "battles_per_second": 0.0,
    }
    facts |= {"eta_seconds": None}
    load = {
        "ada": {"in_flight": 30, "window": 32, "limit": 64},
        "judge": {"in_flight": 4, "window": 8, "limit": 8},
    }
    assert progress_line(facts | {"load": load}) == "0/9 battles  34/40 in flight"


@pytest.mark.parametrize(
    ("found", "tried", "said"),
    [
        (0, 0, "36 battles on 1 prompt; none done yet"),
        (6, 0, "36 battles on 1 prompt; 6 done already"),
        (6, 6, "36 battles on 1 prompt; 6 played just now, to learn tokens and time"),
        (
            9,
            6,
            "36 battles on 1 prompt; 9 done already, of which 6 played just now, to learn tokens and time",
        ),
    ],
)
def test_a_preflight_says_what_is_done_and_what_it_played_itself(found: int, tried: int, said: str) -> None:
    facts = {"battles": 36, "prompts": 1, "found": found, "tried": tried, "calls": [], "calls_needed": 0}
    assert preflight_table(facts | {"seconds": 0, "cost": None}).title == said


def test_the_end_of_a_run_names_what_went_wrong() -> None:
    progress = {
        "decided": 30,
        "total": 36,
        "void": 1,
        "waiting": 5,
        "seconds": 70.0,
        "problems": {"unparsable verdict": 4},
    }
    facts = {"job": 1, "exit_code": 0, "reason": None, "progress": progress}
    assert describe("finished", facts) == [
        "30 of 36 battles decided, 1 void, 5 waiting",
        "  4 x unparsable verdict",
        "done in 1 min 10 s",
    ]
    assert describe("finished", facts | {"progress": None, "exit_code": 2}) == []
