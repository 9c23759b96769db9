"""Listening: what is asked of an attempt while it goes on, from three sides: its signals, its time, and its row."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from engine.jobs.attempt import Attempt
from engine.jobs.limits import Limits, Said
from engine.jobs.requests import read_wishes
from engine.jobs.settling import REASONS
from engine.store.store import Fence


class Listening:
    """What one attempt has heard so far."""

    def __init__(self, attempt: Attempt, fence: Fence) -> None:
        self._attempt = attempt
        self._job_id = fence.job_id
        self._began = attempt.batch.clock.now()
        self._own: Said = {} if attempt.batch.stop_after is None else {"stop_after": attempt.batch.stop_after}
        self._said = read_wishes(attempt.store, self._job_id).limits
        attempt.limit(self._limits())

    def look(self) -> None:
        """Take up what the job's row says by now."""
        control, wishes = self._attempt.control, read_wishes(self._attempt.store, self._job_id)
        if wishes.request is None:
            control.take_back_pause()
        elif control.ask(wishes.request) and wishes.request != "cancel":
            self._attempt.teller.heard(f"{REASONS[wishes.request]}: calls in flight finish first")
        if wishes.limits != self._said:
            self._hear(wishes.limits)

    async def relay(self, stop: asyncio.Event) -> None:
        """Drain once `stop` is set."""
        await stop.wait()
        self._attempt.control.ask("drain")

    async def watch_time(self) -> None:
        """Drain when the time is up, however often it is set anew before."""
        clock, control = self._attempt.batch.clock, self._attempt.control
        while True:
            stop_after = self._attempt.limits.stop_after
            if stop_after is None:
                await control.changed()
                continue
            left = self._began + stop_after - clock.now()
            if left <= 0:
                break
            await control.rest(left)
        if control.ask("drain"):
            self._attempt.teller.warn("the time is up: draining, calls in flight finish first")

    def _hear(self, said: Said) -> None:
        """New limits: the newest word counts, also above what the command line said."""
        news = {name: value for name, value in said.items() if self._said.get(name, self) != value}
        self._own = {name: value for name, value in self._own.items() if name not in news}
        self._said = said
        self._attempt.limit(self._limits())
        self._attempt.teller.heard(f"new limits: {_told(news)}")

    def _limits(self) -> Limits:
        return Limits.of(self._attempt.plan).with_said(self._said).with_said(self._own)


def _told(said: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {'none' if value is None else f'{value:g}'}" for name, value in said.items())
