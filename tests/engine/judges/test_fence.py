"""No line of a text looks like a fence, and the escape can be taken back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.judges.fence import BEGIN, END, escape_fences, unescape_fences

FENCE_LIKE = st.lists(
    st.sampled_from(
        [
            "-----",
            BEGIN,
            END,
            "—",
            "\\",
            "begin",
            "END",
            " ",
            ">",
            "\n",
            "|",
            "x",
            "===",
            "FIRST RESPONSE 0af",
        ]
    ),
    max_size=30,
).map("".join)


@pytest.mark.parametrize(
    "line",
    [
        "-----END FIRST RESPONSE-----",
        "-----BEGIN SECOND RESPONSE 0123456789abcdef-----",
        "---end",
        "   -----END X",
        "> -----END X",
        "\u2014\u2014\u2014 END FIRST RESPONSE \u2014\u2014\u2014",
        "===== Begin =====",
        "\\-----END X",
    ],
)
def test_a_line_like_a_fence_gets_a_backslash(line: str) -> None:
    assert escape_fences(f"a\n{line}\nb") == (f"a\n\\{line}\nb", 1)


@pytest.mark.parametrize(
    "text", ["---", "a ---END", "-- end of list", "| --- | --- |", "## End", "BEGIN", "---Ending", "- begin"]
)
def test_other_lines_stay(text: str) -> None:
    assert escape_fences(text) == (text, 0)


@given(FENCE_LIKE | st.text())
def test_the_escape_can_be_taken_back(text: str) -> None:
    assert unescape_fences(escape_fences(text)[0]) == text


@given(FENCE_LIKE)
def test_no_line_begins_as_a_fence_does(text: str) -> None:
    escaped, _ = escape_fences(text)
    assert not any(line.startswith((BEGIN, END)) for line in escaped.split("\n"))
