"""One owner of a mirror's folder at a time: who lives keeps it, who is dead gives way, who slept hears so."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from engine.errors import LostLease, StoreError
from engine.store import owner as owners
from engine.store.backup import aside_of
from engine.store.owner import BEAT_SECONDS, WATCH_SECONDS, Owner, Ownership, Watch, claim, read_owner


def process(worker: str, host: str = "node1") -> Owner:
    return Owner(0, worker, host, "boot", "pid:[1]", 7, 1.0, "/scratch/arena.db")


class FakeTime:
    """A clock that moves only when somebody waits; what else happens meanwhile is done then."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.then: list[tuple[float, Callable[[], object]]] = []

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        due = [one for one in self.then if one[0] <= self.seconds]
        self.then = [one for one in self.then if one[0] > self.seconds]
        for _, happen in due:
            happen()

    def watch(self, *, gone: bool = False) -> Watch:
        return Watch(lambda owner: gone, now=lambda: self.seconds, sleep=self.sleep)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mirror"


def test_a_new_folder_is_owned_at_once(folder: Path, time: FakeTime) -> None:
    owned = claim(folder, process("first"), time.watch())
    assert (owned.owner.epoch, time.seconds) == (1, 0)
    assert read_owner(folder) == owned.owner
    owned.check()


def test_an_owner_that_is_done_gives_way_at_once(folder: Path, time: FakeTime) -> None:
    first = claim(folder, process("first"), time.watch())
    first.note_copy(1_000.0)
    first.release()
    second = claim(folder, process("second", "node2"), time.watch())
    assert (second.owner.epoch, time.seconds) == (2, 0)
    assert (second.owner.copied_at, second.owner.copied_from) == (1_000.0, "node1")


def test_an_owner_whose_process_is_gone_from_this_machine_gives_way_at_once(
    folder: Path, time: FakeTime
) -> None:
    claim(folder, process("first"), time.watch())
    assert claim(folder, process("second"), time.watch(gone=True)).owner.epoch == 2
    assert time.seconds == 0


def test_a_silent_owner_elsewhere_is_watched_and_then_gives_way(folder: Path, time: FakeTime) -> None:
    claim(folder, process("first"), time.watch())
    told: list[str] = []
    second = claim(folder, process("second", "node2"), replace(time.watch(), tell=told.append))
    assert second.owner.epoch == 2
    assert WATCH_SECONDS <= time.seconds < WATCH_SECONDS + BEAT_SECONDS
    assert len(told) == 1
    assert "process 7 on node1" in told[0]


def test_an_owner_that_beats_keeps_the_folder_whatever_the_clocks_say(folder: Path, time: FakeTime) -> None:
    first = claim(folder, process("first"), time.watch())
    first.note_copy(-1e12)  # its clock is a world away
    time.then.append((BEAT_SECONDS, first.beat))
    with pytest.raises(StoreError, match="is kept by process 7 on node1, which lives"):
        claim(folder, process("second", "node2"), time.watch())
    first.check()
    first.beat()


def test_an_owner_that_ends_while_it_is_watched_gives_way(folder: Path, time: FakeTime) -> None:
    first = claim(folder, process("first"), time.watch())
    time.then.append((BEAT_SECONDS, first.release))
    assert claim(folder, process("second", "node2"), time.watch()).owner.epoch == 2
    assert time.seconds < WATCH_SECONDS


def test_a_sleeper_hears_that_another_took_over_and_changes_nothing(folder: Path, time: FakeTime) -> None:
    sleeper = claim(folder, process("first"), time.watch())
    second = claim(folder, process("second", "node2"), time.watch())
    said = (folder / "owner.json").read_bytes()
    for wake in (sleeper.check, sleeper.beat, lambda: sleeper.note_copy(5.0), sleeper.release):
        with pytest.raises(LostLease, match="was taken over by process 7 on node2"):
            wake()
    assert (folder / "owner.json").read_bytes() == said
    second.beat()


@pytest.fixture
def asleep_before_rename(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """What is given happens right before the next file takes its name."""
    rename = Path.replace

    def arm(happen: Callable[[], object]) -> None:
        def late(self: Path, target: Path) -> Path:
            monkeypatch.setattr(Path, "replace", rename)
            happen()
            return rename(self, target)

        monkeypatch.setattr(Path, "replace", late)

    return arm


def test_a_sleeper_between_looking_and_renaming_puts_nothing_in_place(
    folder: Path, time: FakeTime, asleep_before_rename: Callable[[Callable[[], object]], None]
) -> None:
    sleeper = claim(folder, process("first"), time.watch())
    taken: list[Ownership] = []
    asleep_before_rename(lambda: taken.append(claim(folder, process("second", "node2"), time.watch())))
    with pytest.raises(LostLease):
        sleeper.beat()
    assert read_owner(folder) == taken[0].owner
    assert not list(folder.glob("*.part"))


def test_a_sleeper_that_renames_over_the_new_owners_name_does_not_keep_the_folder(
    folder: Path, time: FakeTime
) -> None:
    """The old owner looked in time; its rename comes right behind the new one's."""
    sleeper = claim(folder, process("first"), time.watch())
    late = folder / ".owner.json.first.01234567.part"
    late.write_bytes((folder / "owner.json").read_bytes())
    beat = Ownership.beat

    def beat_and_be_overwritten(self: Ownership) -> None:
        beat(self)
        if late.exists():
            late.replace(folder / "owner.json")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ownership, "beat", beat_and_be_overwritten)
        second = claim(folder, process("second", "node2"), time.watch())
    assert read_owner(folder) == second.owner
    with pytest.raises(LostLease):
        sleeper.beat()


def test_what_a_dead_owner_has_begun_is_removed_and_nothing_of_others(folder: Path, time: FakeTime) -> None:
    folder.mkdir()
    begun = [aside_of(folder / "arena.db"), folder / ".owner.json.0123456789abcdef.89abcdef.part"]
    others = [".film.mkv.part", ".arena.db.part", ".arena.db.mine.part", ".other.db.7-01234567.part"]
    others += [".owner.json.part", "owner.json.first.01234567.part"]
    for path in (*begun, *(folder / name for name in others)):
        path.write_bytes(b"something")
    claim(folder, process("first"), time.watch())
    assert {one.name for one in folder.iterdir()} == {*others, "owner.json", ".epoch-1"}


def test_of_two_that_take_over_at_once_one_does(folder: Path, time: FakeTime) -> None:
    claim(folder, process("first"), time.watch())
    together = threading.Barrier(2)

    def both_find_it_gone(_: Owner) -> bool:
        return together.wait() >= 0

    outcomes: list[int | str] = []

    def take(worker: str) -> None:
        try:
            outcomes.append(claim(folder, process(worker, worker), Watch(both_find_it_gone)).owner.epoch)
        except StoreError as error:
            outcomes.append(error.title)

    rivals = [threading.Thread(target=take, args=(f"node{n}",)) for n in (2, 3)]
    for one in rivals:
        one.start()
    for one in rivals:
        one.join()
    assert sorted(map(str, outcomes))[0] == "2"
    assert sum(outcome == 2 for outcome in outcomes) == 1
    assert "takes over" in str(next(one for one in outcomes if one != 2))


def test_whoever_died_between_epoch_and_file_is_watched_too(folder: Path, time: FakeTime) -> None:
    claim(folder, process("first"), time.watch()).release()
    (folder / ".epoch-2").touch()
    third = claim(folder, process("third", "node3"), time.watch())
    assert third.owner.epoch == 3
    assert time.seconds >= WATCH_SECONDS
    assert [one.name for one in folder.glob(".epoch-*")] == [".epoch-3"]


def said_by_an_owner(**changed: object) -> str:
    return json.dumps(asdict(process("first")) | {"epoch": 3, "released": True} | changed)


def without(name: str) -> str:
    return json.dumps({key: value for key, value in asdict(process("first")).items() if key != name})


DAMAGED = [
    "",
    "{",
    '{"epoch": 1}',
    "[]",
    "null",
    "[" * 60_000,
    '{"epoch": ' + "9" * 5_000 + "}",
    without("host"),
]
WRONG = [
    *({"epoch": value} for value in ("x", -1, 1.5, True, None, [1], 10**300)),
    *({"copied_at": value} for value in ("yesterday", float("nan"), float("inf"), 1e300, True, [])),
    *({"mirror": value} for value in (["q"], None, 7)),
    *({"pid": value} for value in ("7", -1, 2**40)),
    *({"started": value} for value in (None, "1.0", float("-inf"))),
    *({"released": value} for value in ("no", 1)),
    {"beat": "x"},
    {"host": {}},
    {"boot": 1},
    {"namespace": None},
    {"store": ["/x"]},
    {"worker": 1},
    {"copied_from": None},
]


@pytest.mark.parametrize("text", [*DAMAGED, *(said_by_an_owner(**wrong) for wrong in WRONG)])
def test_a_damaged_owner_file_is_told_and_kept(folder: Path, time: FakeTime, text: str) -> None:
    folder.mkdir()
    (folder / "owner.json").write_text(text)
    with pytest.raises(StoreError, match=r"owner\.json cannot be read") as caught:
        claim(folder, process("first"), time.watch())
    assert "elete" not in caught.value.mend
    assert [one.name for one in folder.iterdir()] == ["owner.json"]
    assert (folder / "owner.json").read_text() == text


def test_what_a_newer_owner_says_beside_the_known_is_passed_over(folder: Path, time: FakeTime) -> None:
    folder.mkdir()
    (folder / "owner.json").write_text(said_by_an_owner(compression="zstd", mirror="m"))
    found = claim(folder, process("second", "node2"), time.watch()).owner
    assert (found.epoch, found.mirror) == (4, "m")


def test_an_owner_file_that_is_no_file_or_too_large_is_not_waited_for(tmp_path: Path) -> None:
    for name, make in (("fifo", os.mkfifo), ("folder", os.mkdir), ("large", Path.touch)):
        folder = tmp_path / name
        folder.mkdir()
        make(folder / "owner.json")
        if name == "large":
            os.truncate(folder / "owner.json", 10**12)
        with pytest.raises(StoreError, match=r"owner\.json cannot be read"):
            read_owner(folder)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, time: FakeTime) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        claim(tmp_path / "file" / "mirror", process("first"), time.watch())
    assert owners.read_owner(tmp_path) is None
