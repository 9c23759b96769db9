"""run.on_event: a command of the user's that gets pauses, resumes and the end of a run as JSON on its input."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
from collections.abc import Callable, Mapping
from typing import Any

SECONDS = 30.0
"""How long a command may take."""

SCHEMA = 1
_KEPT_BYTES = 500


class Notifier:
    """Runs a command for each event, one after another, beside the run.

    Its failure is told and never ends anything.

    Args:
        command: words as a shell would part them; no shell sees them. None: there is nobody to tell.
        warn: says what went wrong.
    """

    def __init__(self, command: str | None, warn: Callable[[str], None]) -> None:
        self._command = command
        self._warn = warn
        self._last: asyncio.Task[None] | None = None

    def tell(self, event: Mapping[str, Any]) -> None:
        """Hand an event to the command, behind those before it."""
        if self._command is not None:
            text = json.dumps({"schema": SCHEMA, **event}) + "\n"
            self._last = asyncio.create_task(self._after(self._last, text.encode()))

    async def done(self, within: float | None = None) -> None:
        """Wait until the command has had all events, or for so many seconds; one that is at it then is ended."""
        if self._last is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._last

    async def _after(self, before: asyncio.Task[None] | None, text: bytes) -> None:
        if before is not None:
            await before
        assert self._command is not None
        try:
            problem = await _run(shlex.split(self._command), text)
        except (OSError, ValueError) as error:
            problem = str(error)
        if problem is not None:
            self._warn(f"run.on_event: {self._command!r} failed: {problem}")


async def _run(words: list[str], text: bytes) -> str | None:
    """What went wrong; None when nothing did."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(SECONDS):
            said, _ = await asyncio.gather(_end_of(process.stderr), _give(process.stdin, text))
            code = await process.wait()
    except TimeoutError:
        return f"it took longer than {SECONDS:g} s"
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return f"exit code {code}. {said}".rstrip(". ") if code else None


async def _give(stream: asyncio.StreamWriter | None, text: bytes) -> None:
    assert stream is not None
    with contextlib.suppress(ConnectionError):  # it need not read
        stream.write(text)
        await stream.drain()
        stream.close()
        await stream.wait_closed()


async def _end_of(stream: asyncio.StreamReader | None) -> str:
    """The last of what a stream says; the rest is thrown away as it comes."""
    assert stream is not None
    kept = b""
    while chunk := await stream.read(65536):
        kept = (kept + chunk)[-_KEPT_BYTES:]
    return kept.decode("utf-8", "replace").strip()
