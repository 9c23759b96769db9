"""`arena-tui` whose mirror is copied, shown and watched many times a second.

python -m tests.engine.jobs.hasty ARGUMENTS
"""

from __future__ import annotations

import sys

from arena_tui.cli.main import main
from engine.jobs import mirroring
from engine.store import owner

if __name__ == "__main__":
    mirroring.COPY_SECONDS = 0.05
    mirroring.LOOK_SECONDS = 0.05
    mirroring.BEAT_SECONDS = 0.1
    owner.WATCH_SECONDS = 1.0
    owner.POLL_SECONDS = 0.1
    sys.exit(main(sys.argv[1:]))
