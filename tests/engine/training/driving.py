"""Runs the stages of several specs in one process, since a trainer's imports cost more than training does here.

`python -m tests.engine.training.driving SPEC...`: the exit code of each, a line each.
"""

from __future__ import annotations

import sys

from engine.training import stage


def main(specs: list[str]) -> None:
    for spec in specs:
        print(stage.main([spec]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
