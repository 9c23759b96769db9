"""`arena-tui --batch PLAN`: a run in the foreground, with its signals and its exit codes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from arena_tui.cli.running import INTERRUPTED, open_for_writing, store_path
from arena_tui.headless import Reporter, display_for
from arena_tui.output import say
from arena_tui.streams import strays_as_talk
from engine.errors import UsageError, UserError
from engine.jobs.worker import Batch, run_batch
from engine.plan import EffectivePlan, parse_duration, read_plan

DRAINING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)


def run_plan(
    plan: str,
    sets: Sequence[str],
    store: Path | None,
    *,
    limit: int | None = None,
    dry_run: bool = False,
    stop_after: str | None = None,
    as_json: bool = False,
) -> int:
    """Read, check and run a plan, and give the exit code. Every run ends with the event `finished`.

    Raises:
        UserError: as `run_batch`; a plan's mistakes come before anything is opened.
    """
    reporter = Reporter(display_for(as_json=as_json, dry_run=dry_run))
    try:
        effective, seconds = _read(plan, sets, stop_after)
        reporter.talk(f"store: {store_path(store)}")
        with strays_as_talk(), open_for_writing(store) as opened:
            batch = Batch(opened, effective, reporter, limit, dry_run)
            code = asyncio.run(_until_stopped(batch, reporter, seconds))
    except UserError as error:
        reporter.end(error.exit_code, error.title)
        raise
    except KeyboardInterrupt:
        reporter.end(INTERRUPTED, "interrupted")
        raise
    except Exception as error:
        reporter.end(1, f"{type(error).__name__}: {error}")
        raise
    finally:
        reporter.close()
    if code == 0:
        _say_what_next(effective, dry_run)
    return code


def _read(plan: str, sets: Sequence[str], stop_after: str | None) -> tuple[EffectivePlan, float | None]:
    """The plan, and how many seconds it may run."""
    effective = read_plan(plan, sets)
    if stop_after is None:
        return effective, effective.plan.run.stop_after
    try:
        return effective, parse_duration(stop_after)
    except ValueError as error:
        raise UsageError(f"--stop-after {stop_after}: {error}") from None


def _say_what_next(effective: EffectivePlan, dry_run: bool) -> None:
    if dry_run:
        say("Nothing more was run. Leave out --dry-run to go on.")
    else:
        say(f"See the table: arena-tui leaderboard --arena {quote(effective.plan.run.arena)}")


async def _until_stopped(batch: Batch, reporter: Reporter, seconds: float | None) -> int:
    """Run, drain on the first signal or when time is up, and stop at once on a second Ctrl-C."""
    task = asyncio.current_task()
    assert task is not None
    drain = Drain(reporter, task)
    loop = asyncio.get_running_loop()
    for number in DRAINING_SIGNALS:
        # Who starts us may have the signal ignored, as nohup does.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, drain.on_signal, number)
    timer = loop.call_later(seconds, drain.begin, "the time is up") if seconds else None
    try:
        await _run(batch, reporter, drain.stop)
    except asyncio.CancelledError:
        reporter.end(INTERRUPTED, "interrupted: what has landed is kept; run it again to go on")
        return INTERRUPTED
    finally:
        if timer is not None:
            timer.cancel()
    reporter.end(0)
    return 0


async def _run(batch: Batch, reporter: Reporter, stop: asyncio.Event) -> None:
    """A run may end before its first event; its last one names the job all the same."""
    try:
        await run_batch(batch, stop)
    finally:
        reporter.job = batch.job_id


class Drain:
    """Asks a run to stop: what is in flight finishes and is kept, nothing new is asked."""

    def __init__(self, reporter: Reporter, task: asyncio.Task[int]) -> None:
        self.stop = asyncio.Event()
        self._reporter = reporter
        self._task = task
        self._interrupts = 0

    def begin(self, reason: str) -> None:
        if not self.stop.is_set():
            self.stop.set()
            self._reporter.warn(f"{reason}: draining, calls in flight finish first")

    def on_signal(self, number: signal.Signals) -> None:
        """The first signal drains; a second Ctrl-C ends the run at once."""
        if number is not signal.SIGINT:
            self.begin(number.name)
            return
        self._interrupts += 1
        if self._interrupts == 1:
            self.begin("Ctrl-C")
        else:
            self._task.cancel()
