"""What a run reckons of its own end."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from engine.battles.progress import Progress


def progress(**said: int | None) -> Progress:
    """Ten seconds into a run of 1,000 battles on 400 responses."""
    done = Counter({"decided": said.pop("done", 0) or 0})
    facts = {"total": 1000, "responses_total": 400, **said}
    return Progress(states=done, started_at=time.monotonic() - 10, **facts)  # type: ignore[arg-type]


def test_a_fresh_run_goes_by_what_it_has_done() -> None:
    made = progress(done=40, responses_made=60)
    assert made.eta_seconds == pytest.approx(10 * (960 + 340) / 100, rel=0.01)


def test_a_resumed_run_goes_by_its_own_work_and_what_was_counted_as_missing() -> None:
    # It came to 120 of 900 battles that the store has, and to 30 of 380 responses; 100 and 20 are missing.
    resumed = progress(
        done=130, found=120, responses_found=30, responses_made=5, expected_battles=100, expected_responses=20
    )
    assert resumed.eta_seconds == pytest.approx(10 * (90 + 15) / 15, rel=0.01)
    assert resumed.rate == pytest.approx(1.0, rel=0.01)


def test_nothing_is_reckoned_from_what_was_found() -> None:
    walked = progress(done=500, found=500, responses_found=300, expected_battles=100, expected_responses=20)
    assert walked.eta_seconds is None


def test_more_than_was_expected_is_never_less_than_nothing() -> None:
    made = progress(done=50, responses_made=40, expected_battles=30, expected_responses=40)
    assert made.eta_seconds == 0
    last = progress(done=1000, found=0, responses_made=400, expected_battles=5000, expected_responses=400)
    assert last.eta_seconds == 0
