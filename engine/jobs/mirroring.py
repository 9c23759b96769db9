"""A run's mirror: taken before its store is opened, kept while it runs, and given up when its last copy is made."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from engine.battles.progress import RunEvent
from engine.errors import LostLease, StoreError, UsageError
from engine.jobs.attempt import Attempt, Batch
from engine.jobs.events import clock_time
from engine.jobs.settling import abandon_all
from engine.jobs.workers import Process, is_gone, new_worker_id, pid_namespace, process_start
from engine.plan import Plan
from engine.store.leases import Moment, boot_id
from engine.store.mirror import COPY_SECONDS, Mirror, TakenUp, is_behind, take_up
from engine.store.owner import BEAT_SECONDS, Owner, Ownership, Watch, claim
from engine.store.placement import lies_on_network
from engine.store.store import Store

LOOK_SECONDS = 5.0
"""How often it is looked whether another took over."""

MOST_OF_TIME = 1 / 5
"""What copies may take of a run's time; of a store that takes long they are fewer."""

TOLD_AGAIN = 5
"""Of copies that fail one after another, every so manieth is told."""


class Heart:
    """Beats in a thread of its own, while copies of minutes are made.

    Attributes:
        failure: that another took over; a folder that cannot be written for a while is none.
    """

    def __init__(self, ownership: Ownership) -> None:
        self.failure: LostLease | None = None
        self._ownership = ownership

    def check(self) -> None:
        """
        Raises:
            LostLease: another process took over.
        """
        if self.failure is not None:
            raise self.failure

    def beat(self, ended: threading.Event) -> None:
        """Beat until `ended` is set."""
        while not ended.wait(BEAT_SECONDS):
            try:
                self._ownership.beat()
            except LostLease as error:
                self.failure = error
                return
            except StoreError:
                continue  # copies fail by the same, and say so


@dataclass(frozen=True, slots=True)
class HeldMirror:
    """A mirror that this process owns, and the heart that shows it."""

    mirror: Mirror
    heart: Heart


@contextmanager
def held_mirror(
    folder: Path, path: Path, tell: Callable[[str], object], *, is_open: bool = False
) -> Iterator[HeldMirror]:
    """Own a mirror's folder for the store at `path` while the block runs, with its newest copy taken up before.

    It may take a minute to be sure that an earlier owner is dead; `tell` is told.

    Args:
        is_open: the store is in use already, so that no copy can be taken up.

    Raises:
        UsageError: the folder is the store's own, or the store itself lies on a network file system.
        StoreError: another owner lives, or the folder or the store cannot be written.
        LostLease: another took over meanwhile.
    """
    path = path.resolve()
    _refuse(folder, path)
    ownership = claim(folder, _ourselves(path), Watch(_is_gone, tell))
    with _released(ownership), _beating(ownership) as heart:
        if is_open and is_behind(ownership, path):
            raise StoreError(
                f"{folder} holds a newer copy of the store than {path}",
                mend="Take it up by running the plan in the foreground: arena-tui --batch PLAN",
            )
        taken = take_up(ownership, path)
        if taken is not None:
            tell(_told(taken))
            _end_attempts(path)
        yield HeldMirror(Mirror(ownership), heart)
        heart.check()


@contextmanager
def _released(ownership: Ownership) -> Iterator[None]:
    """Give the folder up behind the block, however it ends; one that cannot be written is watched by the next."""
    try:
        yield
    finally:
        with suppress(StoreError):
            ownership.release()


def _refuse(folder: Path, path: Path) -> None:
    if folder.resolve() == path.parent.resolve():
        raise UsageError(f"the mirror {folder} is the store's own folder", mend="Name another with --mirror.")
    if lies_on_network(path):
        raise UsageError(
            f"{path} lies on a network file system itself",
            mend="A mirror is for a store on a local disk: name one with --store FILE.",
        )


def _ourselves(path: Path) -> Owner:
    host, pid = socket.gethostname(), os.getpid()
    place = str(path.absolute())
    return Owner(0, new_worker_id(), host, boot_id(), pid_namespace(), pid, process_start(pid), place)


def _is_gone(owner: Owner) -> bool:
    """Whether it ran on this very boot of this machine and does not any more. Machines may share a name, so that
    another boot may be another machine."""
    if owner.boot != boot_id():
        return False
    process = Process(owner.host, owner.boot, owner.namespace, owner.pid, owner.started)
    return is_gone(process, Moment.now())


def _told(taken: TakenUp) -> str:
    age = "" if taken.copied_at is None else f", made {clock_time(taken.copied_at)} by its clock"
    kept = (
        "" if taken.set_aside is None else f"; the older store that stood here is kept as {taken.set_aside}"
    )
    return f"took up the mirror's copy of {taken.host}'s store{age}{kept}"


def _end_attempts(path: Path) -> None:
    """No worker of the machine that the copy came from goes on with it."""
    with Store(path, writable=True, create=False) as store, store.write() as tx:
        abandon_all(tx, "its machine was left: a mirror's copy was taken up elsewhere")


@contextmanager
def _beating(ownership: Ownership) -> Iterator[Heart]:
    heart, ended = Heart(ownership), threading.Event()
    thread = threading.Thread(target=heart.beat, args=(ended,), name="mirror", daemon=True)
    thread.start()
    try:
        yield heart
    finally:
        ended.set()
        thread.join()


def mirror_of_plan(
    plan: Plan, path: Path, tell: Callable[[str], object]
) -> AbstractContextManager[HeldMirror | None]:
    """`held_mirror` of the folder that a plan names, for a store that is not opened yet; else nothing."""
    return nullcontext() if plan.run.mirror is None else held_mirror(Path(plan.run.mirror), path, tell)


@contextmanager
def mirror_of(batch: Batch) -> Iterator[None]:
    """Own the mirror that a batch's plan names while the block runs, where whoever opened the store does not yet."""
    folder = batch.plan.run.mirror
    if batch.mirror is not None or folder is None or batch.dry_run:
        yield
        return

    def tell(text: str) -> None:
        batch.listener(RunEvent("warning", {"text": text}))

    with held_mirror(Path(folder), batch.store.path, tell, is_open=True) as batch.mirror:
        try:
            yield
        finally:
            batch.mirror = None


class Mirroring:
    """Copies of one attempt: now and then, and whenever something is asked of it or it pauses."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._held = attempt.batch.mirror
        self._failed = 0

    async def keep(self) -> None:
        """Copy, for ever, if there is a mirror.

        Raises:
            LostLease: another process took over.
        """
        while self._held is not None:
            began = self._now()
            await self.copy()
            spent = self._now() - began
            await self._wait(self._held.heart, max(COPY_SECONDS, spent / MOST_OF_TIME))

    async def copy(self) -> None:
        """Bring the mirror up to date; a folder that cannot be written is told and costs nothing else.

        Raises:
            LostLease: another process took over.
        """
        if self._held is None:
            return
        try:
            await asyncio.to_thread(self._held.mirror.copy, self._attempt.store)
            self._failed = 0
        except LostLease:
            raise
        except StoreError as error:
            if self._failed % TOLD_AGAIN == 0:
                text = f"the mirror could not be brought up to date: {error.title}. {error.text}"
                self._attempt.teller.warn(text.rstrip())
            self._failed += 1

    async def _wait(self, heart: Heart, seconds: float) -> None:
        """Until the next copy is due, or the run is asked to stop, or pauses."""
        before, ends = self._standing(), self._now() + seconds
        while self._standing() == before and (left := ends - self._now()) > 0:
            await self._attempt.control.rest(min(left, LOOK_SECONDS))
            heart.check()

    def _standing(self) -> tuple[str | None, bool]:
        return self._attempt.control.asked, self._attempt.pausing.cause is not None

    def _now(self) -> float:
        return self._attempt.batch.clock.now()
