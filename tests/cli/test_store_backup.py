"""`store backup`: what it may replace."""

from __future__ import annotations

from pathlib import Path

from tests.cli.commanding import command


def test_an_earlier_copy_is_replaced_and_nothing_else(few: Path, many: Path, tmp_path: Path) -> None:
    copy, notes = tmp_path / "copy.db", tmp_path / "notes.md"
    notes.write_text("a thesis")
    assert command("store", "backup", copy, store=few).code == 0
    assert command("store", "backup", copy, store=few).code == 0
    before = copy.read_bytes()
    other = command("store", "backup", copy, store=many)
    assert (other.code, copy.read_bytes()) == (1, before)
    assert "is another store" in other.err
    text = command("store", "backup", notes, store=few)
    assert (text.code, notes.read_text()) == (1, "a thesis")
    assert "move that one away" in text.err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["copy.db", "notes.md"]
