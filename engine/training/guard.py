"""A process between us and a stage: `python -m engine.training.guard OWNER COMMAND...`.

It ends with its command's exit code, and with nothing of the command left. When the pipe on its standard input
closes, whoever started it is gone, and it ends the command.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys

from engine.training.processes import end_owned

LOOK_S = 0.1


def main(arguments: list[str]) -> int:
    """Run a command until it ends or we are alone; its exit code, 128 + signal where a signal ended it."""
    owner, *command = arguments
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    while child.poll() is None:
        readable, _, _ = select.select([sys.stdin], [], [], LOOK_S)
        if readable and not os.read(sys.stdin.fileno(), 1):
            break
    end_owned(owner)
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
