"""`arena-tui --batch PLAN`: a run in the foreground, with its signals and its exit codes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from arena_tui.cli.running import open_for_writing, store_path
from arena_tui.headless import Display, display_for
from arena_tui.output import say
from engine.battles.progress import Progress, RunEvent
from engine.errors import UserError
from engine.jobs.worker import Batch, run_batch
from engine.plan import parse_duration, read_plan


def run_plan(
    plan: str,
    sets: Sequence[str],
    store: Path | None,
    *,
    limit: int | None = None,
    dry_run: bool = False,
    stop_after: str | None = None,
    as_json: bool = False,
) -> None:
    """Read, check and run a plan.

    Raises:
        UserError: as `run_batch`; a plan's mistakes come before anything is opened.
    """
    effective = read_plan(plan, sets)
    seconds = parse_duration(stop_after) if stop_after else effective.plan.run.stop_after
    display = display_for(as_json=as_json)
    say(f"store: {store_path(store)}")
    try:
        with open_for_writing(store) as opened:
            batch = Batch(opened, effective, display.show, limit, dry_run)
            progress = asyncio.run(_until_stopped(batch, display, seconds))
    finally:
        display.close()
    if not dry_run:
        say(f"see the table: arena-tui leaderboard --arena {effective.plan.run.arena}")
    elif progress.total:
        say("nothing more was run; leave out --dry-run to go on")


async def _until_stopped(batch: Batch, display: Display, seconds: float | None) -> Progress:
    """Run, drain on the first signal or when time is up, and stop at once on a second Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def drain(reason: str) -> Callable[[], None]:
        def on_signal() -> None:
            if stop.is_set() and reason == "Ctrl-C":
                task.cancel()
                return
            stop.set()
            display.show(RunEvent("warning", {"text": f"{reason}: draining, calls in flight finish first"}))

        return on_signal

    for number, reason in (
        (signal.SIGINT, "Ctrl-C"),
        (signal.SIGTERM, "SIGTERM"),
        (signal.SIGUSR1, "SIGUSR1"),
    ):
        loop.add_signal_handler(number, drain(reason))
    timer = loop.call_later(seconds, drain("time is up")) if seconds else None
    try:
        progress = await run_batch(batch, stop)
    except UserError as error:
        display.show(RunEvent("finished", {"exit_code": error.exit_code, "reason": error.title}))
        raise
    except asyncio.CancelledError:
        raise typer.Exit(130) from None
    finally:
        if timer:
            timer.cancel()
    if not batch.dry_run:
        display.show(RunEvent("finished", {"exit_code": 0, **progress.facts()}))
    return progress
