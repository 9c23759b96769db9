"""Which file system a path lies on: WAL shares memory between processes, which network file systems do not."""

from __future__ import annotations

import os
from pathlib import Path

NETWORK_TYPES = frozenset(
    {
        "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "ceph", "afs",
        "glusterfs", "9p", "webdav", "davfs", "pvfs2", "orangefs", "panfs", "wekafs", "vboxsf", "acfs", "gfs2",
        "ocfs2", "afpfs", "quobyte", "juicefs", "virtiofs",
    }
)  # fmt: skip
"""Types as the kernel names them. Any FUSE file system counts too: nothing says what stands behind it."""


MOUNTINFO = Path("/proc/self/mountinfo")


def filesystem_type(path: Path) -> str:
    """The type of the file system that holds `path` (or its nearest existing folder), such as `ext4`.

    Returns an empty string where the system does not say (no /proc/self/mountinfo and no psutil entry).
    """
    target = os.path.realpath(path)
    best = max(
        (mount for mount in _mounts() if _holds(mount[0], target)),
        key=lambda mount: len(mount[0]),
        default=None,
    )
    return best[1] if best else ""


def is_network(kind: str) -> bool:
    """Whether a file system type is one where several processes must not share a WAL store."""
    return (
        kind in NETWORK_TYPES
        or kind in ("fuse", "fuseblk")
        or kind.startswith(("fuse.", "fuseblk.", "macfuse", "osxfuse"))
    )


def _holds(mount_point: str, target: str) -> bool:
    return target == mount_point or target.startswith(mount_point.rstrip("/") + "/")


def _mounts() -> list[tuple[str, str]]:
    """(mount point, type) in the order of mounting; of two at one place the later one covers the other."""
    try:
        lines = MOUNTINFO.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return _mounts_by_psutil()
    mounts: dict[str, str] = {}
    for line in lines:
        left, _, right = line.partition(" - ")
        mounts[_unescape(left.split(" ")[4])] = right.split(" ")[0]
    return list(mounts.items())


def _mounts_by_psutil() -> list[tuple[str, str]]:
    import psutil

    return [
        (partition.mountpoint, partition.fstype.lower()) for partition in psutil.disk_partitions(all=True)
    ]


def _unescape(field: str) -> str:
    """mountinfo writes space, tab, newline and backslash as three octal digits."""
    for code in ("\\040", "\\011", "\\012", "\\134"):
        field = field.replace(code, chr(int(code[1:], 8)))
    return field
