"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data named in ARENA_TUI_TEST_DATA; without it the test is skipped."""
    folder = os.environ.get("ARENA_TUI_TEST_DATA")
    if not folder:
        pytest.skip("ARENA_TUI_TEST_DATA names no folder of real data")
    return Path(folder)
