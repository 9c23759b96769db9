"""`arena-tui` whose leases are short, so that a test need not wait for half a minute.

python -P -m tests.e2e.drowsy ARGUMENTS
"""

from __future__ import annotations

import sys

from arena_tui.cli.main import main
from engine.jobs import attempts

if __name__ == "__main__":
    attempts.LEASE_SECONDS = 1.5
    attempts.HEARTBEAT_SECONDS = 0.3
    sys.exit(main(sys.argv[1:]))
