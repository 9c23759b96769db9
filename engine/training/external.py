"""The user's own trainer: a command in, a model's folder out, with the same lineage as any other stage."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from engine.errors import UserError
from engine.players.transformers.checkpoint import checked
from engine.training.checkpoints import seal
from engine.training.facts import Tail
from engine.training.options import ExternalOptions, settings
from engine.training.rows import read_rows
from engine.training.running import NoRows, StageRun, Stopped, Trained
from engine.training.spec import StageSpec

METRICS = "ARENA_TUI_METRICS"
"""Names the file to which the command may append facts, one JSON object a line."""

LOOK_S = 0.2


class External:
    """Rows as the command takes them; see docs/training.md for what it is told."""

    Options = ExternalOptions

    @staticmethod
    def run(run: StageRun[ExternalOptions]) -> Trained:
        spec, options, layout = run.spec, run.options, run.layout
        run.settings = settings(options)

        # Load
        checked(spec.model)
        rows = read_rows(spec.data, ())
        if not rows:
            raise NoRows("there are no rows to train on")
        part = layout.model.with_name("model.part")
        if part.exists():
            shutil.rmtree(part)

        # Train
        tail = Tail(layout.metrics)
        tail.new()
        run.facts.tell("training", step=0, of=None, world_size=spec.world_size)
        code = run_command(
            words(options.command, spec, part), options.env | {METRICS: str(layout.metrics)}, layout.stop
        )
        if code != 0:
            raise UserError(
                f"the command of '{spec.name}' ended with {code}", mend=f"What it said is in {layout.log}."
            )

        # Save
        checked(part)
        seal(part)
        if layout.model.exists():
            shutil.rmtree(layout.model)
        part.replace(layout.model)
        steps = [fact for fact in tail.new() if fact.get("event") == "step"]
        metrics = {
            k: v
            for fact in steps
            for k, v in fact.items()
            if isinstance(v, int | float) and k not in ("time", "of")
        }
        return Trained(len(rows), 0, int(metrics.pop("step", 0)), metrics, options.model_kind)


def words(template: str, spec: StageSpec, out: Path) -> list[str]:
    """The command's words with what they stand for; a path with spaces stays one word, files are a word each.

    Raises:
        UserError: a name in braces is none that we know, or a quote is left open.
    """
    single = {
        "model": str(spec.model),
        "reference": str(spec.reference or ""),
        "reward_model": str(spec.reward_model or ""),
        "out": str(out),
        "seed": str(spec.seed),
        "name": spec.name,
    }
    several = {"{data}": spec.data, "{eval_data}": spec.eval_data}
    found: list[str] = []
    try:
        for word in shlex.split(template):
            found += [str(file) for file in several[word]] if word in several else [word.format(**single)]
    except (KeyError, IndexError, ValueError) as error:
        known = ", ".join("{" + name + "}" for name in (*single, "data", "eval_data"))
        raise UserError(
            "the command of an external stage cannot be read",
            f"{type(error).__name__}: {error}",
            f"Known: {known}.",
        ) from None
    return found


def run_command(command: list[str], more: Mapping[str, str], stop: Path) -> int:
    """Run it to its end, in an environment where the user's own modules are found; its exit code.

    Raises:
        Stopped: the stop file appeared; the command was ended.
        UserError: it cannot be started.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"} | dict(more)
    try:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise UserError(f"the command '{command[0]}' cannot be started", str(error)) from None
    while process.poll() is None:
        if stop.exists():
            process.terminate()
            process.wait()
            raise Stopped("stopped", mend="Run it again: what the command does then is its own matter.")
        time.sleep(LOOK_S)
    return process.returncode
