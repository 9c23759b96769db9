"""`python -m arena_tui`, for who has no console script. Ours come first, whatever the working folder holds."""

import sys
from pathlib import Path


def _drop_working_folder() -> None:
    """`-m` puts the working folder first on the path, where a user's own engine.py or data/ may lie."""
    ours = Path(__file__).resolve().parents[1]
    if not sys.flags.safe_path and sys.path and Path(sys.path[0]).resolve() != ours:
        del sys.path[0]


if __name__ == "__main__":
    _drop_working_folder()
    from arena_tui.cli.main import main

    sys.exit(main())
