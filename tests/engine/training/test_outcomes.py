"""How a broken trainer is told to a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UserError
from engine.training.failures import failure_of

LOG = Path("out/log.txt")


def _chained(outer: Exception, inner: Exception) -> Exception:
    outer.__context__ = inner
    return outer


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError(27, "File too large"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 2017856 vs 2017748"),
        RuntimeError("Error while serializing: I/O error: File too large (os error 27)"),
        _chained(RuntimeError("unrelated"), OSError(28, "No space left on device")),
    ],
)
def test_a_full_disk_is_told_as_one(error: Exception) -> None:
    failure = failure_of(error, LOG, {})
    assert failure.kind == "DiskFull"
    assert "'out'" in failure.title


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    ],
)
def test_what_to_lower_is_told_where_memory_does_not_do(error: Exception) -> None:
    failure = failure_of(error, LOG, {"max_length": 4096})
    assert failure.title == "there is not enough memory to train"
    assert "per_device_batch_size" in failure.mend
    assert "max_length = 4096" in failure.mend


def test_a_mistake_of_the_user_keeps_its_words() -> None:
    error = UserError("what", "why", "how")
    error.exit_code = 2
    failure = failure_of(error, LOG, {})
    assert (failure.title, failure.text, failure.mend, failure.exit_code) == ("what", "why", "how", 2)


def test_anything_else_names_the_log() -> None:
    failure = failure_of(ZeroDivisionError("division by zero"), LOG, {})
    assert failure.title == "the stage broke: ZeroDivisionError"
    assert "out/log.txt" in failure.mend
