"""Backoff, Retry-After and the window of concurrency: pure rules, checked as such."""

from __future__ import annotations

import random
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.players.backoff import Backoff
from engine.players.retry_after import retry_after
from engine.players.window import Window

WALL = 1_800_000_000.25


@given(failures=st.integers(1, 2000), draw=st.floats(0, 1))
def test_waits_double_up_to_the_longest_and_jitter_never_more_than_halves(failures: int, draw: float) -> None:
    size = min(30.0, 0.5 * 2 ** min(failures - 1, 20))
    assert size / 2 <= Backoff(uniform=lambda: draw).wait(failures) <= size


@given(failures=st.integers(1, 50), asked=st.floats(0, 1e6), draw=st.floats(0, 1))
def test_no_wait_is_shorter_than_the_server_asked(failures: int, asked: float, draw: float) -> None:
    backoff = Backoff(uniform=lambda: draw)
    assert backoff.wait(failures, asked) >= max(asked, backoff.wait(failures))


def date(wall: float) -> str:
    return formatdate(wall, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after-ms": "2500"}, 2.5),
        ({"retry-after-ms": "0", "retry-after": "30"}, 30.0),
        ({"retry-after-ms": "3250", "retry-after": "3"}, 3.25),
        ({"retry-after-ms": "0", "retry-after": date(WALL + 90)}, 89.75),
        ({"retry-after-ms": "x", "retry-after": "3"}, 3.0),
        ({"retry-after": date(WALL + 90)}, 89.75),
        ({"retry-after": date(WALL - 90)}, 0.0),
        ({"retry-after": date(5000), "date": date(4000)}, 1000.0),
        ({"retry-after": date(WALL + 90), "date": "nonsense"}, 89.75),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 -0000", "date": "Wed, 21 Oct 2015 07:27:00 GMT"}, 60.0),
        ({"retry-after": "Mon, 31 Feb 9999999 00:00:00 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, WALL) == seconds


@given(value=st.text(max_size=40))
def test_any_header_is_read_or_ignored(value: str) -> None:
    seconds = retry_after({"retry-after": value}, WALL)
    assert seconds is None or seconds >= 0


def rounds(window: Window, number: int, complaints: float = 0.0) -> list[int]:
    """Sizes after each of some rounds of outcomes, of which a share complained, evenly spread."""
    sizes = []
    for _ in range(number):
        owed = 0.0
        for _ in range(max(16, window.size)):
            owed += complaints
            if owed >= 1:
                owed -= 1
                window.overloaded(in_flight=window.size)
            else:
                window.answered(in_flight=window.size)
        sizes.append(window.size)
    return sizes


def test_the_window_doubles_in_each_round_until_its_limit() -> None:
    assert rounds(Window(start=8, limit=100), 5) == [16, 32, 64, 100, 100]


@pytest.mark.parametrize(("limit", "steps"), [(32, [17, 18, 19]), (64, [18, 20, 22]), (256, [24, 32, 40])])
def test_a_round_of_complaints_halves_it_and_then_it_grows_by_steps(limit: int, steps: list[int]) -> None:
    window = Window(start=32, limit=limit)
    assert rounds(window, 1, complaints=1.0) == [16]
    assert rounds(window, 3) == steps


def test_the_decrease_is_in_proportion_to_the_complaints() -> None:
    assert rounds(Window(start=64, limit=64), 1, complaints=0.5) == [48]


def test_a_failure_now_and_then_does_not_hold_it_down() -> None:
    assert rounds(Window(start=8, limit=256), 6, complaints=0.1)[-1] == 256


def test_a_tenth_of_failures_at_random_seldom_ends_the_slow_start() -> None:
    """A run of 2,000 requests, a tenth of which fail whatever the load, has its limit after a few rounds."""
    full = 0
    for seed in range(200):
        draw, window = random.Random(seed), Window(start=8, limit=64)
        for _ in range(200):
            (window.overloaded if draw.random() < 0.1 else window.answered)(window.size)
        full += window.size == 64
    assert full >= 160


def test_it_settles_near_what_the_server_can_take() -> None:
    """A server with 50 places that complains of each request beyond them."""
    window = Window(start=8, limit=256)
    sizes = []
    for _ in range(60):
        sizes += rounds(window, 1, complaints=max(0.0, 1 - 50 / window.size))
    # a fifth is borne: up to 62 places, and one step of 8 beyond; from there it loses at most a seventh
    assert all(50 <= size <= 70 for size in sizes[20:])


def test_a_window_that_is_not_used_does_not_grow() -> None:
    window = Window(start=10, limit=64)
    for _ in range(100):
        window.answered(in_flight=1)
    assert window.size == 10


@given(
    start=st.integers(1, 50),
    limit=st.integers(1, 50),
    events=st.lists(st.tuples(st.booleans(), st.integers(1, 60)), max_size=200),
)
def test_the_window_stays_between_one_and_its_limit(
    start: int, limit: int, events: list[tuple[bool, int]]
) -> None:
    window = Window(start, limit)
    for good, in_flight in events:
        (window.answered if good else window.overloaded)(in_flight)
        assert 1 <= window.size <= limit
