"""Reading tokenizer and weights with transformers, which talks a lot: what it says becomes notes. Imports torch."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as library

from engine.errors import UsageError

LIBRARY = "transformers"
"""Name of its logger."""

REPORT = "LOAD REPORT"
"""In the table of weights that it prints, of which we say the same in a line."""

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def load_tokenizer(folder: Path) -> tuple[Any, list[str]]:
    """The tokenizer of a checkpoint, and what the library said of it.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        with _heard() as said:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(folder, "tokenizer", error) from None
    return tokenizer, said


def load_model(folder: Path, dtype: str, device: torch.device) -> tuple[Any, list[str]]:
    """The model of a checkpoint, and what the library said of it.

    Raises:
        UsageError: it cannot be read, or lacks weights: the library would draw those at random.
    """
    kind: Any = {"auto": "auto"}.get(dtype) or getattr(torch, dtype)
    if dtype == "auto" and device.type == "cpu":
        kind = torch.float32
    try:
        with _heard() as said:
            model, report = AutoModelForCausalLM.from_pretrained(
                folder, dtype=kind, local_files_only=True, trust_remote_code=False, output_loading_info=True
            )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise _unreadable(folder, "model", error) from None
    except RuntimeError as error:
        if "mismatched_sizes" not in str(error):
            raise
        shapes = ValueError("weights have other shapes than config.json says")
        raise _unreadable(folder, "model", shapes) from None
    _check_whole(folder, report)
    unused = sorted(report["unexpected_keys"])
    notes = [one for one in said if REPORT not in one]
    if unused:
        notes.append(f"{len(unused)} weights of the checkpoint are not used, such as {unused[0]}")
    return model.to(device).eval(), notes


def _check_whole(folder: Path, report: dict[str, Any]) -> None:
    """
    Raises:
        UsageError: weights are missing.
    """
    missing = sorted(report["missing_keys"])
    if missing:
        raise UsageError(
            f"the model in '{folder}' lacks {len(missing)} of its weights",
            f"Such as {', '.join(missing[:3])}. The library would draw them at random.",
            "Save the whole model again; of an adapter, the merged one.",
        )


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what the library says in place of letting it write: the terminal is not its to draw on."""
    said: list[str] = []
    handler = _Collecting(said)
    logger, shown = logging.getLogger(LIBRARY), library.is_progress_bar_enabled()
    library.disable_progress_bar()
    library.disable_default_handler()
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        library.enable_default_handler()
        if shown:
            library.enable_progress_bar()


class _Collecting(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(" ".join(_STYLE.sub("", record.getMessage()).split())[:300])


def _unreadable(folder: Path, what: str, error: Exception) -> UsageError:
    if "trust_remote_code" in str(error):  # by default the library asks on the terminal, and waits
        return UsageError(
            f"the {what} in '{folder}' needs code that comes with it",
            "Such code would run with all that you may do; it was not run.",
            "Serve the model with a program that you trust to run it, and ask it with kind = 'http'.",
        )
    return UsageError(f"the {what} in '{folder}' cannot be read", " ".join(str(error).split())[:300])
