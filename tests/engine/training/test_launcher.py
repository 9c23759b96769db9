"""Stages in processes of their own: launched, followed, stopped, killed and gone on with."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.errors import Cancelled, UserError
from engine.training.checkpoints import is_sealed, newest_valid
from engine.training.failures import NO_ROOM_CODE
from engine.training.launcher import (
    Launch,
    command,
    prepare_folder,
    read_result,
    run_stage,
    stage_environment,
)
from engine.training.processes import new_owner, owned
from engine.training.running import Stopped
from engine.training.spec import Failure, Layout, StageSpec
from tests.engine.training.conftest import Ended
from tests.engine.training.making import QUICK, pocket_rows, spec

torch = pytest.mark.torch

ENDLESS = QUICK | {"max_steps": 100_000, "save_steps": 100_000}
"""A stage that is still training whenever a test ends it."""


def _owner(layout: Layout) -> str:
    return str(json.loads(layout.owner.read_bytes())["owner"])


def _wait(condition: Callable[[], Any], what: str, limit_s: float = 120) -> Any:
    """Look until it holds."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.001)
    raise AssertionError(f"after {limit_s:g} s still not: {what}")


@torch
def test_what_is_launched_is_what_is_trained_in_place(stages: dict[str, Ended], tmp_path: Path) -> None:
    given = stages["sft"].spec.model_copy(update={"out": tmp_path / "out"})
    facts: list[dict[str, Any]] = []
    result = run_stage(given, on_fact=facts.append)
    assert result.content_hash == stages["sft"].result.content_hash
    assert (facts[0]["event"], facts[-1]["event"]) == ("training", "finished")
    assert owned(_owner(Layout(given.out))) == []
    # A second start finds it done, and trains nothing.
    began = time.monotonic()
    assert run_stage(given) == result
    assert time.monotonic() - began < 5


@torch
def test_two_processes_train_one_model(tmp_path: Path) -> None:
    data = pocket_rows(tmp_path / "rows.jsonl", 32)
    result = run_stage(spec("sft", tmp_path / "out", data), Launch(processes=2))
    assert result.world_size == 2
    assert (
        result.steps == 2
    )  # 32 rows, 16 a step: of two worlds of one each would have had as many, on its own


@torch
def test_a_configuration_that_would_train_two_worlds_is_refused(tmp_path: Path) -> None:
    # What accelerate makes of this is one process that trains alone, whatever the number, and exits with 0.
    config = tmp_path / "cpu.yaml"
    config.write_text(
        "compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_CPU\nuse_cpu: true\nnum_processes: 2\n"
        "num_machines: 1\nmachine_rank: 0\nmixed_precision: 'no'\n"
    )
    given = spec("sft", tmp_path / "out", pocket_rows(tmp_path / "rows.jsonl"))
    with pytest.raises(UserError, match="1 processes train together, and 2 were asked for"):
        run_stage(given, Launch(config_file=config))
    assert not Layout(given.out).model.exists()
    assert not Layout(given.out).checkpoints.exists()


@torch
def test_killed_at_a_save_and_gone_on_with_it_is_as_if_nothing_had_been(
    stages: dict[str, Ended], tmp_path: Path
) -> None:
    whole = stages["sft-whole"]  # 40 rows, 16 a step: 12 steps, a checkpoint every 3
    given = whole.spec.model_copy(update={"out": tmp_path / "out"})
    layout = Layout(given.out)

    _kill_while_saving(given, 6)
    assert newest_valid(layout.checkpoints) == layout.checkpoints / "checkpoint-3"
    assert not is_sealed(layout.checkpoints / "checkpoint-6")

    result = run_stage(given)
    assert result.resumed_from == 3
    assert result.content_hash == whole.result.content_hash
    assert owned(_owner(layout)) == []


@torch
@pytest.mark.long
@pytest.mark.parametrize("kind", ["sft", "dpo", "reward", "grpo"])
def test_every_stage_that_can_is_stopped_and_goes_on_to_the_same_weights(
    stages: dict[str, Ended], tmp_path: Path, kind: str
) -> None:
    given = stages[kind].spec.model_copy(update={"out": tmp_path / "out"})
    with pytest.raises(Stopped, match="stopped at step 1 of"):
        run_stage(given, request=lambda: "stop")  # it finds the request as soon as it trains
    result = run_stage(given)
    assert result.resumed_from == 1
    assert result.content_hash == stages[kind].result.content_hash


@torch
@pytest.mark.long
def test_a_checkpoint_that_finds_no_room_is_none_and_training_goes_on_later(tmp_path: Path) -> None:
    given = spec("sft", tmp_path / "out", pocket_rows(tmp_path / "rows.jsonl"))
    layout = prepare_folder(given)
    # Weights fit, the optimiser's state does not: a limit on the size of files stands for a full disk.
    done = subprocess.run(
        [sys.executable, "-m", "engine.training.stage", str(layout.spec)],
        env=stage_environment(new_owner()),
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000)),
    )
    assert done.returncode == NO_ROOM_CODE
    assert Failure.read(layout.error).kind == "DiskFull"
    assert newest_valid(layout.checkpoints) is None
    result = run_stage(given)
    assert result.resumed_from is None
    assert is_sealed(layout.model)


def _kill_while_saving(given: StageSpec, step: int) -> None:
    """SIGKILL to the stage's process once a checkpoint's folder is there and before its marker is."""
    layout = prepare_folder(given)
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.training.stage", str(layout.spec)],
        env=stage_environment(new_owner()),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    folder = layout.checkpoints / f"checkpoint-{step}"
    _wait(folder.exists, f"a checkpoint at step {step}")
    process.kill()
    process.wait()
    assert not is_sealed(folder), "the window between folder and marker was not hit"


@torch
def test_a_cancel_ends_every_process(tmp_path: Path) -> None:
    given = spec("sft", tmp_path / "out", pocket_rows(tmp_path / "rows.jsonl"), ENDLESS)
    layout = Layout(given.out)
    began: list[dict[str, Any]] = []
    with pytest.raises(Cancelled):
        run_stage(given, on_fact=began.append, request=lambda: "cancel" if began else None)
    assert began
    assert owned(_owner(layout)) == []
    assert read_result(layout) is None


@torch
def test_who_started_it_is_killed_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    given = spec("sft", tmp_path / "out", pocket_rows(tmp_path / "rows.jsonl"), ENDLESS)
    path = tmp_path / "given.json"
    given.write(path)
    layout = Layout(given.out)
    starter = subprocess.Popen([sys.executable, "-m", "tests.engine.training.launching", str(path)])
    _wait(lambda: layout.metrics.exists() and layout.metrics.stat().st_size, "that it trains")
    assert owned(_owner(layout))
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    _wait(lambda: not owned(_owner(layout)), "that its guard has ended it", 30)


def test_what_a_killed_start_left_is_ended_by_the_next(tmp_path: Path) -> None:
    given = spec("sft", tmp_path / "out", pocket_rows(tmp_path / "rows.jsonl"))
    layout = prepare_folder(given)
    owner = new_owner()
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={**os.environ, "ARENA_TUI_OWNER": owner},
        start_new_session=True,
    )
    stranger = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    _wait(lambda: owned(owner), "that it runs")
    layout.owner.write_text(json.dumps({"owner": owner, "pid": 2**22 + 1, "since": 0.0}))
    try:
        prepare_folder(given)
        assert owned(owner) == []
        assert left.wait(timeout=10) is not None
        assert psutil.pid_exists(stranger.pid)
        assert stranger.poll() is None
    finally:
        for each in (left, stranger):
            each.kill()
            each.wait()


def test_a_folder_that_somebody_trains_into_is_refused(tmp_path: Path) -> None:
    given = spec("sft", tmp_path / "out", pocket_rows(tmp_path / "rows.jsonl"))
    layout = prepare_folder(given)
    parent = psutil.Process(os.getppid())
    layout.owner.write_text(
        json.dumps({"owner": "x", "pid": parent.pid, "since": parent.create_time()}), encoding="utf-8"
    )
    with pytest.raises(UserError, match=f"process {parent.pid} trains into"):
        prepare_folder(given)


def test_a_folder_with_another_stage_is_refused(tmp_path: Path) -> None:
    given = spec("sft", tmp_path / "out", pocket_rows(tmp_path / "rows.jsonl"))
    prepare_folder(given)
    prepare_folder(given)
    with pytest.raises(UserError, match="holds another stage"):
        prepare_folder(given.model_copy(update={"seed": 6}))


def test_no_configuration_of_the_user_is_taken_up_unasked(tmp_path: Path) -> None:
    given = spec("sft", tmp_path, tmp_path / "rows.jsonl", world_size=4)
    words = command(given, Launch(processes=4), Layout(tmp_path))
    config = Path(words[words.index("--config_file") + 1])
    assert config.parent == tmp_path
    assert json.loads(config.read_text())["num_processes"] == 4
    asked = tmp_path / "theirs.yaml"
    asked.write_text("num_processes: 8\nnum_machines: 2\n")
    assert Launch(config_file=asked).world_size == 8
    words = command(given.model_copy(update={"world_size": 8}), Launch(config_file=asked), Layout(tmp_path))
    assert words[words.index("--config_file") + 1] == str(asked)
    assert words[words.index("--num_processes") + 1] == "8"


@pytest.mark.parametrize("content", ["", "- 1", "num_machines: 2", "num_processes: many", "{"])
def test_a_configuration_that_names_no_number_is_refused(tmp_path: Path, content: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(content)
    with pytest.raises(UserError, match="does not say how many processes train"):
        _ = Launch(config_file=config).world_size


def test_a_stage_is_started_with_one_thread_and_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    environment = stage_environment("x")
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["PYTHONSAFEPATH"] == "1"
    assert environment["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert environment["ARENA_TUI_OWNER"] == "x"
    assert "PYTHONSAFEPATH" not in stage_environment("x", safe_path=False)
