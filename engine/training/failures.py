"""What a broken trainer means for a person: no room to write, too little memory, or a fault of ours or a library's."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.training.spec import Failure

NO_ROOM = (
    "No space left",
    "File too large",
    "Disk quota exceeded",
    "PytorchStreamWriter failed writing",
    "unexpected pos",
)
"""What libraries say of a write that did not go through: torch's own archives tell no errno."""

NO_ROOM_CODE = 74
"""Exit code of a stage's process that had no room to write, and so may not have left word (EX_IOERR)."""


def failure_of(error: Exception, log: Path, options: dict[str, Any]) -> Failure:
    """Why a stage ended, told so that a person can mend it."""
    if has_no_room(error):
        return Failure(
            kind="DiskFull",
            title=f"there is no room to write in '{log.parent}'",
            text="The checkpoint before is whole; what was being written is not taken for one.",
            mend="Make room and run it again: it goes on from that checkpoint.",
        )
    if isinstance(error, UserError):
        return Failure(
            kind=type(error).__name__,
            title=error.title,
            text=error.text,
            mend=error.mend,
            exit_code=error.exit_code,
        )
    if has_no_memory(error):
        return _no_memory(error, options)
    return Failure(
        title=f"the stage broke: {type(error).__name__}",
        text=" ".join(str(error).split())[:500],
        mend=f"The whole of it is in {log}.",
    )


def has_no_room(error: BaseException) -> bool:
    """Whether a write did not go through for want of room, as far as libraries pass that on."""
    return any(
        (isinstance(each, OSError) and each.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
        or any(sign in str(each) for sign in NO_ROOM)
        for each in _chain(error)
    )


def has_no_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on a GPU or on the machine."""
    return any(
        type(each).__name__ == "OutOfMemoryError"
        or isinstance(each, MemoryError)
        or "not enough memory" in str(each)
        for each in _chain(error)
    )


def _no_memory(error: Exception, options: dict[str, Any]) -> Failure:
    given = ", ".join(f"{name} = {value}" for name, value in options.items()) or "the defaults"
    return Failure(
        title="there is not enough memory to train",
        text=" ".join(str(error).split())[:300],
        mend="Lower per_device_batch_size (a step stays the same), max_length or response_length; "
        f"or set gradient_checkpointing = true, or lora = {{}}. Now: {given}.",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it came of."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
