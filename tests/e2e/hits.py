"""Where processes were killed, to be told at the end of a test run."""

from __future__ import annotations

HITS: list[str] = []
