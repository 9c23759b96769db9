"""A key that servers get and shout back is found nowhere: in no file, output, export or process list."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.programs import PROGRAM, environment
from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers import openai_server as server
from tests.servers.loopback import Connection, Request
from tests.servers.openai_server import Behaviour

CANARY = "zq-canary-7f3a/9d1c+52e8b4"
VARIABLE = "ARENA_TEST_CANARY"
SPELLINGS = {CANARY.encode(), quote(CANARY, safe="").encode(), CANARY.replace("/", "\\/").encode()}


class ProcessList:
    """The command lines of all processes, looked at again and again while something runs."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._over = threading.Event()

    def watch(self) -> None:
        while not self._over.wait(0.02):
            for shown in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(shown.read_bytes())
                except OSError:  # it ended
                    continue

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self.watch)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


def shouts(code: int) -> Behaviour:
    """An error that repeats the headers it got, as debugging servers and gateways do."""

    async def behave(request: Request, connection: Connection) -> None:
        await server.status(code, f"bad request: {dict(request.headers)}")(request, connection)

    return behave


async def repeats(request: Request, connection: Connection) -> None:
    """An answer with the key in it."""
    await server.answer(f"you said {request.headers['authorization']}")(request, connection)


@pytest.fixture
def leaky(arena: Arena) -> Arena:
    """Servers that fail now and then, each time with the key in what they say; the judge refuses in the end."""
    for name, failing in (("ada", shouts(500)), ("bob", shouts(400)), ("eve", repeats)):
        served, good = arena.served[name], arena.served[name].choose
        assert good is not None
        served.choose = lambda request, failing=failing, good=good: (  # type: ignore[misc]
            failing if b"question 3" in request.body or b"question 7" in request.body else good(request)
        )
    scored = arena.judge.choose
    assert scored is not None
    arena.judge.choose = lambda request: scored(request) if len(arena.judge.chats) <= 30 else shouts(401)
    plan = arena.plan_text().replace("kind = 'http'", f"kind = 'http'\napi_key_env = '{VARIABLE}'")
    plan = plan.replace("kind = 'llm'", f"kind = 'llm'\napi_key_env = '{VARIABLE}'")
    plan = plan.replace("structured = 'json_schema'", "structured = 'json_schema', patience_s = 0.1")
    (arena.folder / "plan.toml").write_text(plan)
    return arena


def run(arena: Arena, *words: str | Path) -> tuple[int, bytes]:
    """Exit code, and all that a command says."""
    done = subprocess.run(
        [*PROGRAM, *words, "--store", arena.path],
        capture_output=True,
        env=environment(**{VARIABLE: CANARY, "OPENAI_API_KEY": CANARY, "HOME": str(arena.folder)}),
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def holds_key(data: bytes) -> bool:
    return any(spelling in data for spelling in SPELLINGS)


def test_the_key_is_sent_and_found_nowhere(leaky: Arena) -> None:
    plan = leaky.folder / "plan.toml"
    processes = ProcessList()
    said = {}
    with processes.watched():
        said["run"] = run(leaky, "--batch", plan, "--pause-limit", "1s")
        said["run again"] = run(leaky, "--batch", plan, "--pause-limit", "1s", "--json")
        said["job"] = run(leaky, "jobs", "show", "1")
        said["logs"] = run(leaky, "jobs", "logs", "1")
        said["verdicts"] = run(leaky, "verdicts", "list", "--json")
        said["export"] = run(leaky, "export", "all", "--out", leaky.folder / "export")
        said["plan"] = run(leaky, "plan", "show", plan)

    assert said["run"][0] == 3, said["run"][1].decode()
    assert (
        b"[hidden]" in said["run"][1] + said["run again"][1]
    )  # what the servers said is told, without the key
    assert said["export"][0] == 0, said["export"][1].decode()
    sent = [chat for one in (*leaky.served.values(), leaky.judge) for chat in one.chats]
    assert sent
    assert all(chat.headers["authorization"] == f"Bearer {CANARY}" for chat in sent)

    assert not [what for what, (_, output) in said.items() if holds_key(output)]
    files = [path for path in leaky.folder.rglob("*") if path.is_file()]
    assert len(files) > 10  # the store, exports, logs
    assert not [path for path in files if holds_key(path.read_bytes())]
    assert any(b"arena_tui" in line for line in processes.seen)
    assert not [line for line in processes.seen if holds_key(line)]


@pytest.mark.parametrize(
    "endpoint",
    [f"http://user:{CANARY}@127.0.0.1:9/v1", f"http://127.0.0.1:9/v1?api_key={CANARY}", "@{}/hosts"],
)
def test_a_key_in_an_url_is_refused_and_not_repeated(arena: Arena, endpoint: str) -> None:
    (arena.folder / "hosts").write_text(f"http://user:{CANARY}@127.0.0.1:9/v1\n")
    plan = arena.folder / "plan.toml"
    given = endpoint.format(arena.folder)
    plan.write_text(plan.read_text().replace(arena.judge.url, given))
    code, said = run(arena, "--batch", plan)
    assert code == 2, said.decode()
    assert not holds_key(said)
    written = [
        path for path in arena.folder.rglob("*") if path.is_file() and path.name not in ("plan.toml", "hosts")
    ]
    assert not [path for path in written if holds_key(path.read_bytes())]


def test_a_crash_shows_no_key(arena: Arena) -> None:
    """Whatever is in a traceback, a key is not: frames are shown without their variables."""
    code = (
        "import asyncio, os\n"
        "from engine.players.base import PlayerSpec, ChatRequest\n"
        "from engine.players.http import HttpPlayer\n"
        "from engine.players import wire\n"
        "from engine.records import Message, Sampling\n"
        "def broken(*_): raise RuntimeError('a bug of ours')\n"
        "wire._words = broken\n"
        f"player = HttpPlayer.from_plan('p', PlayerSpec('p', 'ada', endpoints=('{arena.served['ada'].url}',),"
        f" api_key_env='{VARIABLE}'))\n"
        "async def main():\n"
        "    await player.open()\n"
        "    async for _ in player.chat([ChatRequest('k', (Message('user', 'x'),), Sampling())]): pass\n"
        "asyncio.run(main())\n"
    )
    arena.served["ada"].choose = lambda _: shouts(500)
    done = subprocess.run(
        [PROGRAM[0], "-X", "dev", "-c", code],
        capture_output=True,
        env=environment(**{VARIABLE: CANARY, "PYTHONASYNCIODEBUG": "1", "PYTHONPATH": str(Path.cwd())}),
        timeout=60,
    )
    assert b"a bug of ours" in done.stderr
    assert not holds_key(done.stdout + done.stderr)
