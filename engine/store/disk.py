"""Whether there is room on a disk: asked of the disk by writing, for quotas and limits do not show in its free space.

The probe is a file of its own beside the store; the store's file is never opened by hand.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
from pathlib import Path

PROBE_BYTES = 1 << 18
FLOOR_BYTES = 32 << 20
"""Free space from which it is worth going on: a few transactions, the -wal's growth, and a checkpoint."""

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says of a disk, a quota and a limit on the size of files."""


def is_full(path: Path, floor_bytes: int = 0) -> bool:
    """Whether a store at `path` can surely not grow: less than `floor_bytes` are free, a probe beside it does not go
    through for want of room (disk, quota), or its files have reached the process's limit on the size of a file.

    False also where nothing can be said, such as a folder that cannot be written at all.
    """
    path = Path(os.path.realpath(path))
    try:
        if shutil.disk_usage(path.parent).free < floor_bytes:
            return True
    except OSError:
        return False
    return _at_size_limit(path) or not _probe(path.parent)


def _at_size_limit(path: Path) -> bool:
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit == resource.RLIM_INFINITY:
        return False
    largest = 0
    for name in (path.name, f"{path.name}-wal"):
        with contextlib.suppress(OSError):
            largest = max(largest, path.with_name(name).stat().st_size)
    return largest + PROBE_BYTES > limit


def _probe(folder: Path) -> bool:
    """Whether a small file can be written to the disk; True too where the folder takes no files of ours."""
    probe = folder / f".arena-tui-probe.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        return error.errno not in NO_ROOM
    try:
        written = os.write(descriptor, bytes(PROBE_BYTES))
        os.fsync(descriptor)
        return written == PROBE_BYTES
    except OSError as error:
        return error.errno not in NO_ROOM
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)
