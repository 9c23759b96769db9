"""Keeping a lease: heartbeats from a thread of their own, so that nothing that the event loop does can starve them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.errors import DiskFull
from engine.jobs import attempts
from engine.jobs.beside import beside
from engine.store.store import Fence, Store


@asynccontextmanager
async def kept_lease(store: Store, fence: Fence) -> AsyncIterator[None]:
    """Renew the lease while the block runs. While the disk is full nobody can take over, and the heart beats on.

    Raises:
        LostLease: another worker took over. The block is cancelled; it could not have written anything more.
        StoreError: the store cannot be written.
    """
    loop, ended = asyncio.get_running_loop(), threading.Event()
    failure: asyncio.Future[None] = loop.create_future()

    def beat() -> None:
        try:
            while not ended.wait(attempts.HEARTBEAT_SECONDS):
                _beat(store, fence)
        except BaseException as error:  # noqa: BLE001  raised from the block
            loop.call_soon_threadsafe(_fail, failure, error)

    async def watch() -> None:
        await failure

    heart = threading.Thread(target=beat, name="heartbeat", daemon=True)
    heart.start()
    try:
        async with beside(watch()):
            yield
    finally:
        ended.set()
        heart.join()


def _beat(store: Store, fence: Fence) -> None:
    try:
        attempts.heartbeat(store, fence)
    except DiskFull:
        return  # what the run itself writes says so, and waits


def _fail(future: asyncio.Future[None], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
