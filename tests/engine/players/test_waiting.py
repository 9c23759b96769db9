"""Backoff, Retry-After and the window of concurrency: pure rules, checked as such."""

from __future__ import annotations

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
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
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


def test_the_window_doubles_in_each_round_until_its_limit() -> None:
    window = Window(start=2, limit=20)
    sizes = []
    for _ in range(5):
        sizes.append(window.size)
        for _ in range(window.size):
            window.answered(in_flight=window.size)
    assert sizes == [2, 4, 8, 16, 20]


def test_after_overload_it_halves_once_and_then_grows_by_one_a_round() -> None:
    window = Window(start=16, limit=64)
    for _ in range(16):  # the whole round complains
        window.overloaded(in_flight=16)
    assert window.size == 8
    sizes = []
    for _ in range(3):
        for _ in range(window.size):
            window.answered(in_flight=window.size)
        sizes.append(window.size)
    assert sizes == [8, 9, 10] or sizes == [9, 10, 11]


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
