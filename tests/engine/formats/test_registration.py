"""Every format that the package announces is there, under its own name, and can be asked for its layout and rows."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ANNOUNCED: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][
    "arena_tui.formats"
]
CONTRACT = {
    "arena",
    "alpaca-eval",
    "mt-bench",
    "arena-hard",
    "sharegpt",
    "oasst",
    "preferences",
    "hf",
    "prompts",
    "responses",
    "verdicts",
}


def test_all_formats_of_the_command_line_are_announced() -> None:
    assert set(ANNOUNCED) >= CONTRACT


@pytest.mark.parametrize("name", sorted(ANNOUNCED))
def test_a_format_is_what_it_is_called(name: str) -> None:
    importer = EntryPoint(name, ANNOUNCED[name], "arena_tui.formats").load()()
    assert importer.name == name
    assert importer.summary
    assert callable(importer.layout)
    assert callable(importer.rows)
