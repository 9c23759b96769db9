"""`endpoints = "@FILE"`: the file is read again while its servers are asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from engine.errors import EndpointError, PlanError
from engine.players.addresses import Addresses
from engine.players.http import HttpPlayer
from engine.records import ResponseStatus
from tests.engine.players.asking import ask, opened, player, request
from tests.servers import openai_server as server
from tests.servers.fake_clock import FakeClock
from tests.servers.loopback import LoopbackServer
from tests.servers.openai_server import Served


class Told(FakeClock):
    """The file is looked at only when a test says so; every other wait costs nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._look = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        if seconds == 2.0:
            await self._look.wait()
            self._look.clear()
        await super().sleep(seconds)

    def look(self) -> None:
        self._look.set()


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    return tmp_path / "hosts"


def write(hosts: Path, *urls: str) -> None:
    """Put a whole new file in its place, as a careful writer does."""
    beside = hosts.with_suffix(".new")
    beside.write_text("".join(f"{url}\n" for url in urls))
    beside.rename(hosts)


def following(clock: FakeClock, hosts: Path, **options: object) -> HttpPlayer:
    return player(clock, plan={"endpoints": (f"@{hosts}",)}, start=1, concurrency=1, **options)


def keys(number: int) -> list[object]:
    return [request(f"k{i}") for i in range(number)]


async def asked_with(asked: HttpPlayer, clock: Told, number: int, at: dict[int, Callable[[], None]]) -> int:
    """Ask so many; after so many replies do something and have the file looked at. How many were ok."""
    good = count = 0
    async with opened(asked), aclosing(asked.chat(keys(number))) as replies:
        async for reply in replies:
            good += reply.status is ResponseStatus.OK
            count += 1
            if count in at:
                at[count]()
                clock.look()
                for _ in range(50):  # let the follower, and the check of what is new, have their turns
                    await asyncio.sleep(0.001)
    return good


def test_servers_that_come_back_on_other_hosts_are_taken_up(loopback: LoopbackServer, hosts: Path) -> None:
    old, new = Served(loopback), Served(loopback)
    write(hosts, old.url)
    clock = Told()
    asked = following(clock, hosts)

    async def run() -> int:
        return await asked_with(asked, clock, 20, {5: lambda: write(hosts, new.url)})

    assert asyncio.run(run()) == 20
    assert 5 <= len(old.chats) <= 6  # one was in flight when the file was looked at
    assert len(old.chats) + len(new.chats) == 20
    assert new.asked["/v1/models"] == 1
    assert asked.notes == [f"{old.url} is listed no more", f"{new.url} is listed now"]


def test_one_more_server_is_one_more_to_ask(loopback: LoopbackServer, hosts: Path) -> None:
    one, two = Served(loopback), Served(loopback)
    write(hosts, one.url)
    clock = Told()
    asked = following(clock, hosts)
    run = asked_with(asked, clock, 40, {4: lambda: write(hosts, one.url, two.url)})
    assert asyncio.run(run) == 40
    assert len(two.chats) >= 10


def test_a_new_server_that_serves_something_else_is_never_asked(
    loopback: LoopbackServer, hosts: Path
) -> None:
    one = Served(loopback)
    other = Served(loopback, listed=[{"id": "m", "root": "other weights", "max_model_len": 4096}])
    write(hosts, one.url)
    clock = Told()
    asked = following(clock, hosts)
    run = asked_with(asked, clock, 12, {4: lambda: write(hosts, one.url, other.url)})
    assert asyncio.run(run) == 12
    assert other.chats == []
    assert f"{other.url} is not asked any more: it serves something else" in asked.notes


def test_what_is_in_flight_at_a_removed_server_is_still_answered(
    loopback: LoopbackServer, hosts: Path
) -> None:
    old, new = Served(loopback), Served(loopback)
    write(hosts, old.url)
    clock = Told()
    asked = following(clock, hosts)
    release = asyncio.Event()

    async def late(seen: object, connection: object) -> None:
        await release.wait()
        await server.answer("late")(seen, connection)  # type: ignore[arg-type]

    async def run() -> list[str]:
        old.choose = lambda _: late
        async with opened(asked), aclosing(asked.chat(keys(3))) as replies:
            first = asyncio.ensure_future(anext(replies))
            while not old.chats:
                await asyncio.sleep(0.001)
            write(hosts, new.url)
            clock.look()
            while not new.chats:
                await asyncio.sleep(0.001)
            old.server.call(release.set)
            texts = [(await first).text]
            return texts + [reply.text async for reply in replies]

    assert sorted(asyncio.run(run())) == ["late", "re: hello", "re: hello"]
    assert len(old.chats) == 1


def test_one_that_is_taken_out_while_it_is_down_is_forgotten(loopback: LoopbackServer, hosts: Path) -> None:
    good, down = Served(loopback), Served(loopback)
    write(hosts, good.url, down.url)
    clock = Told()
    asked = following(clock, hosts)

    def fail() -> None:
        down.gate = lambda _: server.reset()

    run = asked_with(asked, clock, 60, {4: fail, 30: lambda: write(hosts, good.url)})
    assert asyncio.run(run) == 60
    assert f"{down.url} is listed no more" in asked.notes


@pytest.mark.parametrize("content", [None, "", "# none yet\n"])
def test_an_empty_or_missing_file_at_the_start_may_pass(
    clock: FakeClock, hosts: Path, content: str | None
) -> None:
    if content is not None:
        hosts.write_text(content)
    with pytest.raises(EndpointError, match="is listed yet") as raised:
        ask(following(clock, hosts))
    assert raised.value.may_return
    assert str(hosts) in raised.value.text


def test_a_file_that_becomes_empty_is_waited_for_and_then_said(loopback: LoopbackServer, hosts: Path) -> None:
    served = Served(loopback)
    write(hosts, served.url)
    clock = FakeClock()  # each look at the file moves it on by two seconds
    asked = following(clock, hosts, patience_s=60)

    got: list[str] = []

    async def run() -> None:
        async with opened(asked):
            async for reply in asked.chat(keys(50)):
                got.append(reply.key)
                if len(got) == 3:
                    write(hosts)

    with pytest.raises(EndpointError) as raised:
        asyncio.run(run())
    assert raised.value.may_return
    assert f"none is listed in {hosts}" in raised.value.text
    assert 3 <= len(got) < 50
    assert clock.now() - 1000 >= 60


def test_a_file_that_is_filled_again_goes_on(loopback: LoopbackServer, hosts: Path) -> None:
    old, new = Served(loopback), Served(loopback)
    write(hosts, old.url)
    clock = Told()
    asked = following(clock, hosts)

    async def run() -> list[ResponseStatus]:
        async with opened(asked), aclosing(asked.chat(keys(10))) as replies:
            got = [(await anext(replies)).status]
            write(hosts)
            clock.look()
            while asked.load.window:
                await asyncio.sleep(0.001)
            write(hosts, new.url)
            clock.look()
            return got + [reply.status async for reply in replies]

    assert asyncio.run(run()) == [ResponseStatus.OK] * 10
    assert len(new.chats) >= 7


def test_lines_that_are_mistaken_while_running_change_nothing_and_are_said(
    loopback: LoopbackServer, hosts: Path
) -> None:
    served = Served(loopback)
    write(hosts, served.url)
    clock = Told()
    asked = following(clock, hosts)
    run = asked_with(asked, clock, 12, {4: lambda: write(hosts, "http://u:CANARY@b/v1")})
    assert asyncio.run(run) == 12
    (note,) = asked.notes
    assert "stay as they were" in note
    assert "CANARY" not in note


def test_lines_that_are_mistaken_at_the_start_are_a_bad_plan(clock: FakeClock, hosts: Path) -> None:
    write(hosts, "localhost:8000")
    with pytest.raises(PlanError, match="lines that are none"):
        ask(following(clock, hosts))


def test_whether_a_file_has_changed_is_seen_whatever_way_it_was_written(hosts: Path) -> None:
    found = Addresses((f"@{hosts}", "http://c/v1"), "p")
    assert found.read() == ("http://c/v1",)
    assert not found.changed()
    hosts.write_text("http://a/v1\n")
    assert found.changed()
    assert found.read() == ("http://c/v1", "http://a/v1")
    at = hosts.stat()
    write(hosts, "http://b/v1")  # as long, in another file
    os.utime(hosts, ns=(at.st_atime_ns, at.st_mtime_ns))
    assert found.changed()
    assert found.read() == ("http://c/v1", "http://b/v1")
    hosts.unlink()
    assert found.changed()
    assert found.read() == ("http://c/v1",)
