"""Files that are no tables: told by their first bytes, so that they are not read as text."""

from __future__ import annotations

_MAGIC = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"BZh91AY&SY", "packed with bzip2"),
    (b"\xfd7zXZ\0", "packed with xz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"ARROW1\0\0", "an Arrow file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x7fELF", "a program"),
)
_TEXT_CONTROLS = b"\t\n\v\f\r\x1b"
_CONTROLS = bytes(set(range(32)) - set(_TEXT_CONTROLS))
_MOST_NULS = 0.1
_MOST_CONTROLS = 0.05


def binary_kind(start: bytes) -> str | None:
    """What a binary file is, by its first bytes: `a PDF`, or empty where it is not known; None for text.

    Without a known mark it is binary when over 10% of the bytes are NUL, or over 5% are controls that no text has and
    it is no UTF-8 (random bytes have 10%; single ones stand in many a model's reply).
    """
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    if start.count(b"\0") > len(start) * _MOST_NULS:
        return ""
    controls = len(start) - len(start.translate(None, _CONTROLS))
    return "" if controls > len(start) * _MOST_CONTROLS and not _is_utf8(start) else None


def _is_utf8(start: bytes) -> bool:
    """Whether the bytes are UTF-8, but for a character that may be cut at the end."""
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(start) - 3
    return True
