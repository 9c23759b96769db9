"""Signals of a run: the first asks it to drain, a second Ctrl-C ends it at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)


class Stopping:
    """Takes the signals of this process, for the task that makes it.

    Attributes:
        stop: set once a run is to drain: what is in flight finishes and is kept, nothing new is asked.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.stop = asyncio.Event()
        self._warn = warn
        self._task = task
        self._interrupts = 0
        for number in SIGNALS:
            # Who starts us may have the signal ignored, as nohup does.
            if signal.getsignal(number) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(number, self._take, number)

    def _take(self, number: signal.Signals) -> None:
        if number is not signal.SIGINT:
            self._begin(number.name)
            return
        self._interrupts += 1
        if self._interrupts == 1:
            self._begin("Ctrl-C")
        else:
            self._task.cancel()

    def _begin(self, reason: str) -> None:
        if not self.stop.is_set():
            self.stop.set()
            self._warn(f"{reason}: draining, calls in flight finish first")
