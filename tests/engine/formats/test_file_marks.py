"""Marks of files: of their bytes, wherever they lie."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.formats.file_marks import FileMarks


def test_a_file_is_marked_by_its_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one", "copy", "other")]
    for path, content in zip(paths, (b"a\n", b"a\n", b"a"), strict=True):
        path.write_bytes(content)
    one, copy, other = (FileMarks().of(str(path)) for path in paths)
    assert one == copy == hashlib.sha256(b"a\n").hexdigest()[:16]
    assert other == hashlib.sha256(b"a").hexdigest()[:16]


def test_a_folder_is_marked_by_its_split_and_what_it_holds(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "copy", "other", "renamed")]
    for folder, name, content in zip(folders, "aaab", ("x", "x", "y", "x"), strict=True):
        folder.mkdir()
        (folder / name).write_text(content)
    (folders[1] / ".hidden").write_text("z")
    one, copy, other, renamed = (FileMarks().of(f"{folder}:train") for folder in folders)
    assert one == copy
    assert len({one, other, renamed, FileMarks().of(f"{folders[0]}:test")}) == 4


def test_a_set_of_the_hub_is_marked_by_its_name() -> None:
    assert FileMarks().of("owner/votes:train") == FileMarks().of("owner/votes:train")
    assert FileMarks().of("owner/votes:train") != FileMarks().of("other/votes:train")


def test_rows_of_no_file_have_no_mark() -> None:
    assert FileMarks().of("") == ""
