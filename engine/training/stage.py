"""The process of a stage: `python -m engine.training.stage SPEC`, one for each member of its world.

It checks that as many processes train together as were asked for, before anything else; holds the folder against
any other world; runs the stage's script; and leaves either a result or why there is none.
"""

from __future__ import annotations

import errno
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
from engine.errors import UserError
from engine.plugin_options import read_options
from engine.plugins import Group
from engine.training.facts import Facts
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
    except UserError as error:
        failure = Failure(
            kind=type(error).__name__,
            title=error.title,
            text=error.text,
            mend=error.mend,
            exit_code=error.exit_code,
        )
        _tell(layout, failure)
        return failure.exit_code
    except Exception as error:  # noqa: BLE001 - the last place before the process ends; the log has the traceback
        traceback.print_exc()
        failure = _no_room(error, layout) or _out_of_memory(error, spec) or Failure(
            title=f"the stage '{spec.kind}' broke: {type(error).__name__}",
            text=" ".join(str(error).split())[:500],
            mend=f"The whole of it is in {layout.log}.",
        )
        _tell(layout, failure)
        return failure.exit_code


def _run(spec: StageSpec, layout: Layout) -> int:
    plugin = plugins.load(Group.STAGES, spec.kind)
    options = read_options(plugin.Options, Group.STAGES, spec.name, spec.options)
    is_main = True
    if isinstance(options, StageOptions):
        _set_up(options, spec.seed)
        is_main = check_world(spec.world_size, cpu=_on_cpu(options)) == 0
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
    torch.use_deterministic_algorithms(True, warn_only=True)
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
    if not layout.error.exists():
        failure.write(layout.error)


def _no_room(error: Exception, layout: Layout) -> Failure | None:
    """A full disk, as far as libraries pass it on; None for another failure."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if not full and "No space left" not in str(error):
        return None
    return Failure(
        kind="DiskFull",
        title=f"there is no room to write in '{layout.out}'",
        text="The checkpoint before is whole; what was being written is not taken for one.",
        mend="Make room and run it again: it goes on from that checkpoint.",
    )


def _out_of_memory(error: Exception, spec: StageSpec) -> Failure | None:
    """What to lower where memory did not do; None for another failure."""
    import torch

    text = str(error)
    if not isinstance(error, torch.OutOfMemoryError | MemoryError) and "not enough memory" not in text:
        return None
    lower = ["per_device_batch_size (the step stays the same)", "max_length", "response_length"]
    return Failure(
        title="there is not enough memory to train",
        text=" ".join(text.split())[:300],
        mend=f"Lower {', '.join(lower)}; or set gradient_checkpointing = true, or lora = {{}}. "
        f"Now: {', '.join(f'{name} = {value}' for name, value in spec.options.items()) or 'the defaults'}.",
    )


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    # Libraries leave threads behind that may keep an interpreter from ending.
    os._exit(code)
