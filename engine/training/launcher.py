"""Start a stage in a process of its own through `accelerate launch`, follow it, and end the whole of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.errors import Cancelled, DiskFull, UserError
from engine.players.transformers.checkpoint import weights_hash
from engine.training.checkpoints import is_sealed
from engine.training.facts import Tail
from engine.training.failures import NO_ROOM_CODE
from engine.training.processes import (
    child_environment,
    end_owned,
    is_alive,
    new_owner,
    start_guarded,
    started_by,
)
from engine.training.running import NoRows, Stopped
from engine.training.spec import Failure, Layout, StageResult, StageSpec, write_durably

Request = Literal["stop", "cancel"]
Fact = dict[str, Any]

LOOK_S = 0.2
STOP_GRACE_S = 600.0
"""How long a stage that was asked to stop may take over its last step and its checkpoint."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a stage's processes are started.

    Attributes:
        processes: on this machine; None takes the configuration's, or one without it.
        config_file: of `accelerate config`: FSDP, DeepSpeed, several machines.
        python: of the environment that trains; without it, this one.
    """

    processes: int | None = None
    config_file: Path | None = None
    python: Path | None = None

    @property
    def world_size(self) -> int:
        """Processes that will train together.

        Raises:
            UserError: the configuration cannot be read.
        """
        if self.processes is not None:
            return self.processes
        return 1 if self.config_file is None else configured_processes(self.config_file)


def run_stage(
    spec: StageSpec,
    launch: Launch | None = None,
    on_fact: Callable[[Fact], None] | None = None,
    request: Callable[[], Request | None] | None = None,
) -> StageResult:
    """Train a stage to its end, from its newest checkpoint where there is one.

    What an earlier start of the same spec has finished is given at once. What an earlier one left running is ended.

    Args:
        on_fact: takes each fact as it comes (docs/training.md lists them).
        request: asked again and again; `stop` lets the step in hand end and keeps a checkpoint, `cancel` ends all at
            once.

    Raises:
        UserError: the stage failed, with why.
        DiskFull: there was no room for a checkpoint; the one before it is whole.
        NoRows: there was nothing to train on.
        Stopped: it was stopped on request.
        Cancelled: it was cancelled.
    """
    launch = launch or Launch()
    spec = spec.model_copy(update={"world_size": launch.world_size, "out": spec.out.absolute()})
    layout = prepare_folder(spec)
    finished = read_result(layout)
    if finished is not None:
        return finished
    owner = new_owner()
    write_durably(layout.owner, json.dumps({"owner": owner, **started_by()}).encode())
    environment = stage_environment(owner, safe_path=spec.kind != "external")
    process = start_guarded(command(spec, launch, layout), environment, layout.log, owner)
    try:
        cancelled = _follow(process, layout, on_fact or _ignore, request or _nothing)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        end_owned(owner)
        process.wait()
    if cancelled:
        raise Cancelled(f"the stage '{spec.name}' was cancelled")
    return _outcome(spec, layout, process.returncode)


def command(spec: StageSpec, launch: Launch, layout: Layout) -> list[str]:
    """The command line of a stage's process or processes.

    One process without a configuration is started as it is: `accelerate launch` would do no more, and costs another
    import of torch.
    """
    python = [str(launch.python or sys.executable), "-P", "-m"]
    stage = ["engine.training.stage", str(layout.spec)]
    config_file = launch.config_file
    if spec.kind == "external" or (config_file is None and spec.world_size == 1):
        return [*python, *stage]
    if config_file is None:
        config_file = layout.out / "accelerate.yaml"
        write_durably(config_file, own_configuration(spec.world_size).encode())
    asked = ["--config_file", str(config_file), "--num_processes", str(spec.world_size)]
    asked += ["--num_cpu_threads_per_process", str(spec.options.get("num_threads", 1))]
    return [*python, "accelerate.commands.launch", *asked, "-m", *stage]


def own_configuration(processes: int) -> str:
    """A configuration of accelerate for so many processes on this machine, so that none of the user's is taken up
    unasked. MULTI_GPU is what makes it start them, GPUs or not."""
    stated = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "MULTI_GPU",
        "num_machines": 1,
        "machine_rank": 0,
        "num_processes": processes,
        "main_process_port": 0,
        "mixed_precision": "no",
        "dynamo_backend": "no",
        "gpu_ids": "all",
        "use_cpu": False,
    }
    return json.dumps(stated, indent=1) + "\n"


def stage_environment(owner: str, *, safe_path: bool = True) -> dict[str, str]:
    """Of a stage's processes: one thread each, no word to anybody, and where our packages are."""
    environment = child_environment(owner, safe_path=safe_path)
    environment["OMP_NUM_THREADS"] = "1"
    environment.setdefault("OMP_WAIT_POLICY", "passive")
    environment.setdefault("TOKENIZERS_PARALLELISM", "false")
    environment.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    return environment


def configured_processes(config_file: Path) -> int:
    """`num_processes` of a file of `accelerate config`: over all machines.

    Raises:
        UserError: the file cannot be read, or does not say it.
    """
    import yaml

    try:
        stated = yaml.safe_load(config_file.read_text(encoding="utf-8"))
        number = int(stated["num_processes"])
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise UserError(
            f"the accelerate configuration '{config_file}' does not say how many processes train",
            f"{type(error).__name__}: {error}",
            "It needs num_processes: make one with `accelerate config --config_file FILE`.",
        ) from None
    return number


def prepare_folder(spec: StageSpec) -> Layout:
    """The stage's folder with its spec in it; what an earlier start left running is ended first.

    Raises:
        UserError: the folder holds another stage.
    """
    layout = Layout(spec.out)
    spec.out.mkdir(parents=True, exist_ok=True)
    if layout.spec.exists() and StageSpec.read(layout.spec) != spec:
        raise UserError(
            f"the folder '{spec.out}' holds another stage",
            "What is there was trained, or begun, with other rows, options or seed.",
            "Give another folder, or delete that one.",
        )
    end_leftovers(layout)
    layout.stop.unlink(missing_ok=True)
    layout.error.unlink(missing_ok=True)
    spec.write(layout.spec)
    return layout


def end_leftovers(layout: Layout) -> int:
    """End what a killed start of this stage left behind; how many processes there were.

    Raises:
        UserError: who started it lives: it is being trained.
    """
    try:
        stated = json.loads(layout.owner.read_bytes())
        owner, pid, since = str(stated["owner"]), int(stated["pid"]), float(stated["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    if pid != os.getpid() and is_alive(pid, since):
        raise UserError(f"process {pid} trains into '{layout.out}'", mend="Wait for it, or end it.")
    return end_owned(owner)


def read_result(layout: Layout) -> StageResult | None:
    """What the stage has made, if it came to its end and the model is still what it made."""
    if not layout.result.exists() or not is_sealed(layout.model):
        return None
    result = StageResult.read(layout.result)
    return result if weights_hash(layout.model) == result.content_hash else None


def _follow(
    process: subprocess.Popen[bytes],
    layout: Layout,
    on_fact: Callable[[Fact], None],
    request: Callable[[], Request | None],
) -> bool:
    """Tell facts until the process has ended; whether it was cancelled."""
    tail = Tail(layout.metrics)
    tail.new()  # what an earlier start has told, was told
    must_end = None
    while True:
        ended = process.poll() is not None
        for fact in tail.new():
            on_fact(fact)
        if ended:
            return False
        asked = request()
        if asked == "cancel" or (must_end is not None and time.monotonic() > must_end):
            return True
        if asked == "stop" and must_end is None:
            layout.stop.touch()
            must_end = time.monotonic() + STOP_GRACE_S
        time.sleep(LOOK_S)


def _outcome(spec: StageSpec, layout: Layout, code: int) -> StageResult:
    result = read_result(layout) if code == 0 else None
    if result is not None:
        return result
    if layout.error.exists():
        raise _raised(Failure.read(layout.error))
    if code == NO_ROOM_CODE:
        raise DiskFull(f"there is no room to write in '{layout.out}'", mend="Make room and run it again.")
    killed = code in (137, -9)
    raise UserError(
        f"the processes of the stage '{spec.name}' ended {'by a kill' if killed else f'with {code}'}",
        "Where nobody ended them, the machine had no memory left." if killed else _last_lines(layout.log),
        f"The whole of it is in {layout.log}. Run it again to go on from the last checkpoint.",
    )


def _raised(failure: Failure) -> UserError:
    kinds: dict[str, type[UserError]] = {"NoRows": NoRows, "Stopped": Stopped, "DiskFull": DiskFull}
    kind = kinds.get(failure.kind, UserError)
    error = kind(failure.title, failure.text, failure.mend)
    error.exit_code = failure.exit_code
    return error


def _last_lines(log: Path, lines: int = 5) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")[-4000:] if log.exists() else ""
    return "\n".join(line for line in text.splitlines()[-lines:])


def _ignore(fact: Fact) -> None:
    """For whoever does not follow."""


def _nothing() -> Request | None:
    return None
