"""`arena-tui` as real processes: with pipes, and in a real terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PROGRAM = (sys.executable, "-P", "-m", "arena_tui")


def environment(**said: str) -> dict[str, str]:
    """This process's, without what would change a terminal's or a store's ways."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ARENA_TUI_", "COLUMNS"))
    }
    return {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **said}


class Program:
    """A process with its stdout and stderr in pipes; stdout is read line by line.

    Args:
        ignoring: signals that are ignored when it starts, as nohup and shells do.
    """

    def __init__(
        self, *arguments: str | Path, ignoring: Sequence[signal.Signals] = (), **settings: Any
    ) -> None:
        def prepare() -> None:
            for number in ignoring:
                signal.signal(number, signal.SIG_IGN)

        self.process = subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            preexec_fn=prepare,
            **settings,
        )

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def event(self, wanted: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
        """Read events from stdout up to the first that is wanted."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event: dict[str, Any] = json.loads(line)
            if wanted(event):
                return event
        raise AssertionError(f"the event never came: {self.rest()}")

    def text(self) -> str:
        """All of stdout of a program that ends well."""
        code, lines, err = self.rest()
        assert code == 0, err
        return "\n".join(lines)

    def end(self) -> None:
        """Leave no process behind, whatever a test found."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def rest(self) -> tuple[int, list[str], str]:
        """Wait for the end: exit code, the lines of stdout not yet read, stderr."""
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out.splitlines(), err


def in_terminal(
    *arguments: str | bytes | Path, size: tuple[int, int] = (24, 80), **said: str
) -> tuple[int, bytes]:
    """Run in a pseudo-terminal of (rows, columns): exit code, and every byte that reached it."""
    return _in_terminal([*PROGRAM, *arguments], size, said)


SESSION = """
import json, os, sys
from arena_tui.cli.main import main
from pathlib import Path
mark, commands = json.loads(Path(sys.argv[1]).read_text())
for arguments in commands:
    os.write(1, f"{mark}{main(arguments)} ".encode())
"""


def session_in_terminal(
    commands: Sequence[Sequence[str]], folder: Path, size: tuple[int, int] = (24, 80), **said: str
) -> list[tuple[int, bytes]]:
    """Run many commands one after another in one process on a pseudo-terminal: of each what `in_terminal` gives.

    Args:
        folder: for a file that tells the process what to run.
    """
    mark = f"<{os.urandom(8).hex()}>"
    told = folder / "commands.json"
    told.write_text(json.dumps([mark, [list(one) for one in commands]]))
    code, seen = _in_terminal([sys.executable, "-P", "-c", SESSION, told], size, said)
    assert code == 0, seen[-2000:]
    *shown, rest = seen.split(mark.encode())
    assert rest.strip().isdigit()
    # What a command showed stands before its mark, its code behind it.
    shown = [shown[0], *(part.partition(b" ")[2] for part in shown[1:])]
    codes = [int(part.partition(b" ")[0]) for part in seen.split(mark.encode())[1:]]
    return list(zip(codes, shown, strict=True))


def _in_terminal(
    program: Sequence[str | bytes | Path], size: tuple[int, int], said: Mapping[str, str]
) -> tuple[int, bytes]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    process = subprocess.Popen(
        program,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(**said),
        start_new_session=True,
    )
    os.close(slave)
    chunks = []
    while chunk := read_terminal(master):
        chunks.append(chunk)
    os.close(master)
    return process.wait(timeout=120), b"".join(chunks)


def read_terminal(master: int) -> bytes:
    """What came next; nothing when the last writer is gone."""
    try:
        return os.read(master, 65536)
    except OSError:  # Linux says so when the last writer is gone
        return b""
