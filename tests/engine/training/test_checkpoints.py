"""Which checkpoints count."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.training.checkpoints import MARKER, discard_unsealed, is_sealed, keep_newest, newest_valid, seal


def _checkpoint(folder: Path, step: int, *, sealed: bool = True) -> Path:
    made = folder / f"checkpoint-{step}"
    (made / "deeper").mkdir(parents=True)
    (made / "model.safetensors").write_bytes(b"w" * 100)
    (made / "deeper" / "state").write_bytes(b"")
    if sealed:
        seal(made)
    return made


def test_the_newest_is_by_number_and_needs_its_marker(tmp_path: Path) -> None:
    _checkpoint(tmp_path, 9)
    ten = _checkpoint(tmp_path, 10)
    _checkpoint(tmp_path, 11, sealed=False)
    assert newest_valid(tmp_path) == ten


@pytest.mark.parametrize("size", [0, 99, 101])
def test_a_file_of_another_length_does_not_count(tmp_path: Path, size: int) -> None:
    made = _checkpoint(tmp_path, 1)
    (made / "model.safetensors").write_bytes(b"w" * size)
    assert not is_sealed(made)


@pytest.mark.parametrize("marker", [b"", b"{", b"[]", b'{"files": 3}', b"null"])
def test_a_broken_marker_does_not_count(tmp_path: Path, marker: bytes) -> None:
    made = _checkpoint(tmp_path, 1)
    (made / MARKER).write_bytes(marker)
    assert not is_sealed(made)


def test_older_ones_go_only_when_a_whole_one_is_there(tmp_path: Path) -> None:
    one = _checkpoint(tmp_path, 1)
    two = _checkpoint(tmp_path, 2, sealed=False)
    keep_newest(tmp_path)
    assert one.exists()
    assert not two.exists()
    three = _checkpoint(tmp_path, 3)
    keep_newest(tmp_path)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [three]


def test_only_half_written_ones_are_discarded(tmp_path: Path) -> None:
    one = _checkpoint(tmp_path, 1)
    _checkpoint(tmp_path, 2, sealed=False)
    (tmp_path / "tmp-checkpoint-3").mkdir()
    discard_unsealed(tmp_path)
    assert list(tmp_path.iterdir()) == [one]
    discard_unsealed(tmp_path / "nowhere")
    assert newest_valid(tmp_path / "nowhere") is None
