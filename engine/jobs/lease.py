"""Keeping a lease: heartbeats from a thread of their own, so that nothing that the event loop does can starve them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from engine.jobs import queue
from engine.jobs.beside import beside
from engine.store.store import Fence, Store


@asynccontextmanager
async def kept_lease(store: Store, fence: Fence, on_request: Callable[[str], object]) -> AsyncIterator[None]:
    """Renew the lease while the block runs; what is requested of the job comes to `on_request`, in the event loop.

    Raises:
        LostLease: another worker took over. The block is cancelled; it could not have written anything more.
        StoreError: the store cannot be written.
    """
    loop, ended = asyncio.get_running_loop(), threading.Event()
    failure: asyncio.Future[None] = loop.create_future()

    def beat() -> None:
        try:
            while not ended.wait(queue.HEARTBEAT_SECONDS):
                request = queue.heartbeat(store, fence)
                if request is not None:
                    loop.call_soon_threadsafe(on_request, request)
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


def _fail(future: asyncio.Future[None], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
