"""The process of a stage: `python -m engine.training.stage SPEC`, one for each member of its world.

It checks that as many processes train together as were asked for, before anything else; holds the folder against
any other world; runs the stage's script; and leaves either a result or why there is none.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from engine import plugins
from engine.errors import DiskFull, UserError
from engine.plugin_options import read_options
from engine.plugins import Group
from engine.training.facts import Facts
from engine.training.failures import NO_ROOM_CODE, failure_of
from engine.training.options import StageOptions
from engine.training.running import StageRun
from engine.training.saving import describe
from engine.training.spec import Failure, Layout, StageSpec


def main(arguments: list[str]) -> int:
    """Run the stage of a spec's file; the exit code."""
    spec = StageSpec.read(Path(arguments[0]))
    layout = Layout(spec.out)
    try:
        return _run(spec, layout)
    except Exception as error:  # noqa: BLE001 - the last place before the process ends
        if not isinstance(error, UserError):
            traceback.print_exc()
        failure = failure_of(error, layout.log, spec.options)
        _tell(layout, failure)
        return NO_ROOM_CODE if failure.kind == DiskFull.__name__ else failure.exit_code


def _run(spec: StageSpec, layout: Layout) -> int:
    plugin = plugins.load(Group.STAGES, spec.kind)
    options = read_options(plugin.Options, Group.STAGES, spec.name, spec.options)
    is_main = True
    if isinstance(options, StageOptions):
        _set_up(options, spec.seed)
        is_main = check_world(spec.world_size, cpu=_on_cpu(options)) == 0
    elif spec.world_size > 1:
        raise UserError(f"a stage of kind '{spec.kind}' runs in one process, not {spec.world_size}")
    with _alone(layout.lock, is_main):
        facts = Facts(layout.metrics if is_main else None)
        run: StageRun[Any] = StageRun(spec, options, layout, facts, is_main)
        began = time.monotonic()
        trained = plugin.run(run)
        if is_main:
            result = describe(run, trained, time.monotonic() - began)
            result.write(layout.result)
            shutil.rmtree(layout.checkpoints, ignore_errors=True)  # nothing goes on from them any more
            facts.tell("finished", step=result.steps, content_hash=result.content_hash)
    return 0


def check_world(asked: int, *, cpu: bool) -> int:
    """See that exactly so many processes train together.

    Returns:
        This process's place among them, from 0.

    Raises:
        UserError: they are more or fewer. Each of two worlds of one would train on its own and save into one folder.
    """
    from accelerate import PartialState

    state = PartialState(cpu=cpu)
    if state.num_processes != asked:
        raise UserError(
            f"{state.num_processes} processes train together, and {asked} were asked for",
            "Nothing was trained: several worlds would have written into one folder.",
            "Look at the accelerate configuration: its number of processes and machines, and the address of the first.",
        )
    return int(state.process_index)


def _set_up(options: StageOptions, seed: int) -> None:
    """One thread, and the same numbers every time."""
    try:
        import torch
        from datasets import disable_progress_bars
        from transformers import set_seed
        from transformers.utils import logging
    except ImportError:
        from engine.errors import MissingExtra

        raise MissingExtra("training", "train") from None
    torch.set_num_threads(options.num_threads)
    torch.use_deterministic_algorithms(_on_cpu(options), warn_only=True)
    set_seed(seed)
    logging.disable_progress_bar()
    disable_progress_bars()


def _on_cpu(options: StageOptions) -> bool:
    from engine.training.models import has_accelerator

    return not has_accelerator(options)


@contextmanager
def _alone(path: Path, is_main: bool) -> Iterator[None]:
    """Hold the folder for as long as this world trains; the lock goes with the process, however it ends.

    Raises:
        UserError: another world holds it.
    """
    if not is_main:
        yield
        return
    file: IO[bytes]
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                f"another process trains into '{path.parent}'", mend="Wait for it, or end it."
            ) from None
        yield


def _tell(layout: Layout, failure: Failure) -> None:
    """Leave word for whoever started us. Of several processes the first that fails knows why."""
    print(f"{failure.title}\n{failure.text}\n{failure.mend}", file=sys.stderr, flush=True)  # noqa: T201
    if layout.error.exists():
        return
    try:
        failure.write(layout.error)
    except OSError as error:  # the exit code has to tell it
        print(f"no word could be left: {error}", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    # Libraries leave threads behind that may keep an interpreter from ending.
    os._exit(code)
