"""`arena-tui` whose import comes no further than its first rows, until a signal comes.

python -P -m tests.e2e.halting ARGUMENTS
"""

from __future__ import annotations

import os
import signal
import sys

from arena_tui.cli.main import main
from arena_tui.headless import RowCounter


def halt_at_first_rows() -> None:
    """Wait behind the first count that is shown. A signal that is there before the wait begins ends it too."""
    came, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told)
    show = RowCounter.show

    def showing(counter: RowCounter, rows: int) -> None:
        show(counter, rows)
        os.read(came, 1)

    RowCounter.show = showing  # type: ignore[method-assign]


if __name__ == "__main__":
    halt_at_first_rows()
    sys.exit(main(sys.argv[1:]))
