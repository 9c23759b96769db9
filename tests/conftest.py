"""What all tests share: a clean environment, real data, a fresh store."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store import Store, open_store

DATA_VARIABLE = "ARENA_TUI_TEST_DATA"
_NO_DATA = f"{DATA_VARIABLE} names no folder of real data"


def pytest_configure(config: pytest.Config) -> None:
    """No setting of the person who runs the tests reaches them, nor any key, nor which signals they had ignored: a
    shell starts what stands before `&` without Ctrl-C, which every program that a test starts would inherit."""
    for name in list(os.environ):
        if (name.startswith("ARENA_TUI_") and name != DATA_VARIABLE) or name.endswith("_API_KEY"):
            del os.environ[name]
    os.environ["HF_HUB_OFFLINE"] = "1"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)  # still ignored here; programs start without a handler


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Where real data was promised, a test that skips for want of it fails."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and os.environ.get(DATA_VARIABLE) and _NO_DATA in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped although {DATA_VARIABLE}={os.environ[DATA_VARIABLE]}: {report.longrepr}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests were skipped, always, so that a silent skip is seen."""
    terminalreporter.write_line(f"skipped: {len(terminalreporter.getreports('skipped'))}")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data named in ARENA_TUI_TEST_DATA; without it the test is skipped."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder or not Path(folder).is_dir():
        pytest.skip(_NO_DATA)
    return Path(folder)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A fresh store, opened to write."""
    with open_store(tmp_path / "arena.db", writable=True) as opened:
        yield opened
