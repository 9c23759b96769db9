"""Durations and endpoints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plan import format_duration, parse_duration
from engine.plan.values import endpoint_problem


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3h50m", 13_800),
        ("90s", 90),
        ("1d 12h", 129_600),
        (" 45m ", 2_700),
        ("1d1h1m1s", 90_061),
        ("100m", 6_000),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@given(st.integers(1, 10**9))
def test_a_formatted_duration_reads_back(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    "text", ["", "0s", "5", "h", "3m2h", "1.5h", "-3h", "3h 50", "3 h", "٣h x", "9" * 5000 + "s"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    "url", ["http://localhost:8000/v1", "https://api.example.com/v1", "http://[::1]:80", "http://h"]
)
def test_endpoints(url: str) -> None:
    assert endpoint_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://host/v1",
        "http://",
        "http://host:99999/v1",
        "http://host:0/v1",
        "http://host/v1?x=1",
        "http://host/v1#x",
        "http://ho st/v1",
        "http://[::1/v1",
        "http://user:word@host/v1",
    ],
)
def test_what_is_no_endpoint(url: str) -> None:
    problem = endpoint_problem(url)
    assert problem
    assert "word" not in problem
