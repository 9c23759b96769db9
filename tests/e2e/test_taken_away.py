"""A store that is taken away under a run: it ends and says so, writes nothing more, and goes on when it is back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.store import counts, open_store
from tests.e2e.programs import Program
from tests.e2e.test_signals import BATTLES
from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import Request

Start = Callable[..., Program]


def files(path: Path) -> list[Path]:
    return [one for one in path.parent.iterdir() if one.name.startswith(f"{path.name}")]


def rename(path: Path) -> None:
    for one in files(path):
        one.rename(one.with_name(f"kept-{one.name}"))


def put_another_there(path: Path) -> None:
    rename(path)
    path.with_name("other.db").rename(path)


@pytest.mark.parametrize("fault", [rename, put_another_there], ids=lambda fault: fault.__name__)
def test_a_run_ends_and_goes_on_when_the_store_is_back(
    arena: Arena, start: Start, fault: Callable[[Path], None]
) -> None:
    open_store(arena.path.with_name("other.db"), writable=True).close()

    def on_chat(_: Request) -> None:
        if len(arena.judge.chats) == 20:
            fault(arena.path)

    arena.judge.on_chat = on_chat
    words = ("--batch", arena.folder / "plan.toml", "--store", arena.path)
    code, _, said = start(*words).rest()
    assert code == 1, said
    assert "Nothing more is written" in said
    assert "Traceback" not in said
    if fault is put_another_there:
        with open_store(arena.path) as store:
            assert store.reader.execute("SELECT COUNT(*) FROM prompts").fetchone() == (0,)
        for one in files(arena.path):
            one.unlink()
    arena.judge.on_chat = None
    for one in arena.path.parent.glob("kept-*"):
        one.rename(one.with_name(one.name.removeprefix("kept-")))
    code, _, said = start(*words).rest()
    assert code == 0, said
    with open_store(arena.path) as store:
        decided = store.reader.execute("SELECT COUNT(*) FROM battles WHERE state = 'decided'").fetchone()
        assert decided == (BATTLES,)
        assert counts.differences(store.reader, 1) == []
