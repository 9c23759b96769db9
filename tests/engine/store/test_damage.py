"""Files that are damaged, cut, or beside the wrong -wal: said plainly, never silently empty, and salvaged."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.store import Store, migrations, open_store, sqlite
from engine.store.checks import check_store
from engine.store.info import TABLES
from engine.store.prompts import land_set, set_names
from engine.store.salvage import Salvage, salvage
from engine.store.wal import read_wal, unusable_commits
from tests.engine.battles.importing_rows import battle, bring, prompt, response, scores
from tests.engine.store.places import ENVIRONMENT

PAGE = 4096
BATTLES = 150


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound store of a few hundred pages, closed: one file."""
    path = tmp_path_factory.mktemp("whole") / "arena.db"
    with open_store(path, writable=True) as store:
        for n in range(BATTLES):
            name = f"q{n}"
            bring(
                store,
                [
                    prompt(name, f"question {n}? " * 20),
                    response("ann", f"ann says {n}. " * 60, prompt=name),
                    response("bob", f"bob says {n}. " * 60, prompt=name),
                    battle("ann", "bob", scores(8, 2), scores(9, 1, swapped=True), prompt=name),
                ],
            )
        assert check_store(store.reader).sound
    return path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(whole, tmp_path / "arena.db"))


def counts(path: Path) -> dict[str, int]:
    with open_store(path) as store:
        return {
            table: store.reader.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in TABLES
        }


def page_with(path: Path, text: bytes) -> int:
    """The offset of a page that holds a text."""
    return path.read_bytes().index(text) // PAGE * PAGE


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def check_says(path: Path) -> str:
    with open_store(path) as store:
        report = check_store(store.reader)
    assert not report.sound
    return "\n".join([*report.damage, *map(str, report.mismatches)])


# Damage in the file.


def test_a_flipped_bit_in_a_text_is_found_by_its_hash(path: Path) -> None:
    offset = path.read_bytes().index(b"ann says 77")
    overwrite(path, offset, b"A")
    assert "texts" in check_says(path)


def test_a_flipped_bit_in_an_index_is_found(path: Path) -> None:
    with open_store(path) as store:
        (key,) = store.reader.execute("SELECT key FROM responses WHERE id = 40").fetchone()
    body = path.read_bytes()
    places = [at for at in range(len(body)) if body.startswith(key.encode(), at)]
    said = []
    for offset in places:
        overwrite(path, offset + 9, b"~")
        with open_store(path) as store:
            said += check_store(store.reader).damage
        overwrite(path, offset, body[offset : offset + 40])
    assert any("missing from index" in line for line in said)


def test_a_destroyed_page_costs_its_rows_and_nothing_else(path: Path, tmp_path: Path) -> None:
    before = counts(path)
    overwrite(path, page_with(path, b"bob says 77"), bytes(PAGE))
    assert "arena.db" not in check_says(path)
    out = tmp_path / "saved.db"
    saved = salvage(path, out)
    lost = saved.tables["texts"].lost
    assert lost is not None
    assert 1 <= lost <= 10  # a page holds a few texts
    assert saved.tables["texts"].kept == before["texts"] - lost
    assert saved.tables["responses"].dropped >= 1
    after = counts(out)
    assert before["battles"] - 10 <= after["battles"] < before["battles"]
    assert after["players"] == before["players"]
    with open_store(out) as store:
        report = check_store(store.reader)
        assert report.damage == ()
        assert report.counts == {}


@pytest.mark.parametrize("table", ["responses", "prompts", "verdicts", "players"])
def test_a_row_whose_own_key_is_wrong_is_lost_with_what_hangs_on_it(
    path: Path, tmp_path: Path, table: str
) -> None:
    with open_store(path) as store:
        (key,) = store.reader.execute(f"SELECT key FROM {table} WHERE id = 2").fetchone()
    flip_everywhere(path, key)
    saved = salvage(path, tmp_path / "saved.db")
    assert {name: one.lost for name, one in saved.tables.items() if one.lost} == {table: 1}
    assert not saved.is_complete
    with open_store(tmp_path / "saved.db") as store:
        assert check_store(store.reader).sound
        kept = {
            name: store.reader.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in saved.tables
        }
    assert {name: one.kept for name, one in saved.tables.items()} == kept | {
        "meta": saved.tables["meta"].kept
    }


def test_a_row_that_holds_what_none_of_ours_does_is_lost(path: Path, tmp_path: Path) -> None:
    connection = sqlite.connect(path, isolation_level=None)
    connection.execute("UPDATE judges SET facts = '{' WHERE id = 1")
    connection.execute("UPDATE models SET facts = 'x' WHERE id = 1")
    connection.execute(
        "UPDATE prompts SET conversation = (SELECT answer FROM response_turns LIMIT 1) WHERE id = 9"
    )
    connection.close()
    saved = salvage(path, tmp_path / "saved.db")
    assert {name: one.lost for name, one in saved.tables.items() if one.lost} == {
        "prompts": 1,
        "models": 1,
        "judges": 1,
    }
    with open_store(tmp_path / "saved.db") as store:
        assert check_store(store.reader).sound


def flip_everywhere(path: Path, key: str) -> None:
    """A bit of a key, in its row and in every index."""
    body = path.read_bytes()
    assert key.encode() in body
    path.write_bytes(body.replace(key.encode(), key[:-1].encode() + bytes([ord(key[-1]) ^ 1])))


def test_a_sound_store_is_salvaged_whole(path: Path, tmp_path: Path) -> None:
    saved = salvage(path, tmp_path / "saved.db")
    assert saved.is_complete
    assert counts(tmp_path / "saved.db") == counts(path)
    with open_store(path) as one, open_store(tmp_path / "saved.db") as other:
        assert check_store(other.reader).sound
        for table in ("meta", "texts", "games", "pair_counts", "side_counts"):
            rows = [store.reader.execute(f"SELECT * FROM {table}").fetchall() for store in (one, other)]
            assert sorted(rows[0], key=repr) == sorted(rows[1], key=repr)


@pytest.mark.parametrize("share", [0.5, 0.7, 0.95])
def test_a_truncated_file_is_damaged_and_its_start_is_salvaged(
    path: Path, tmp_path: Path, share: float
) -> None:
    before = counts(path)
    os.truncate(path, int(path.stat().st_size * share) // PAGE * PAGE)
    with pytest.raises(StoreError, match="is damaged") as caught, open_store(path) as store:
        store.reader.execute("SELECT COUNT(*) FROM texts").fetchone()
    assert f"arena-tui store salvage {path}" in caught.value.mend
    with pytest.raises(StoreError, match="is damaged"):
        open_store(path, writable=True)
    saved = salvage(path, tmp_path / "saved.db")
    assert not saved.is_complete
    assert 0 < saved.tables["texts"].kept < before["texts"]
    with open_store(tmp_path / "saved.db") as store:
        assert check_store(store.reader).damage == ()


@pytest.mark.parametrize("seed", range(12))
def test_any_byte_may_be_wrong(whole: Path, path: Path, tmp_path: Path, seed: int) -> None:
    """Looking, checking and salvaging end in an answer, and what is salvaged whole has all rows."""
    chance = random.Random(seed)
    size = path.stat().st_size
    for _ in range(3):
        overwrite(path, chance.randrange(size), bytes([chance.randrange(256)]))
    assert title_of(lambda: check(path)) in ("", f"{path} is damaged", f"{path} is not an arena-tui store")
    out = tmp_path / "saved.db"
    saved: list[Salvage] = []
    if title := title_of(lambda: saved.append(salvage(path, out))):
        assert title.startswith(f"nothing of {path} can be read")
        return
    with open_store(out) as store:
        report = check_store(store.reader)
        assert (report.damage, report.counts) == ((), {})
    if saved[0].is_complete:
        assert counts(out) == counts(whole)


def check(path: Path) -> None:
    with open_store(path) as store:
        check_store(store.reader)


def title_of(action: Callable[[], object]) -> str:
    """What a person is told; empty when all went well."""
    try:
        action()
    except StoreError as error:
        return error.title
    return ""


def test_a_first_page_that_is_gone_leaves_nothing_and_that_is_said(path: Path, tmp_path: Path) -> None:
    overwrite(path, 0, bytes(PAGE))
    with pytest.raises(StoreError, match="is not an arena-tui store"):
        open_store(path).reader.execute("SELECT 1")
    with pytest.raises(StoreError, match=r"nothing of .* can be read"):
        salvage(path, tmp_path / "saved.db")
    assert not (tmp_path / "saved.db").exists()


def test_a_table_that_the_file_does_not_name_any_more_is_lost_and_not_empty(
    path: Path, tmp_path: Path
) -> None:
    connection = sqlite.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("DELETE FROM sqlite_master WHERE tbl_name = 'verdicts'")
    connection.close()
    saved = salvage(path, tmp_path / "saved.db")
    assert saved.tables["verdicts"].lost is None
    assert not saved.is_complete
    assert any(note.startswith("verdicts is lost") for note in saved.notes)
    assert saved.tables["responses"].kept == 2 * BATTLES


def test_a_store_of_a_newer_program_is_not_salvaged_by_halves(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "STEPS", migrations.STEPS[:-1])
    with pytest.raises(StoreError, match="newer arena-tui"):
        salvage(path, tmp_path / "saved.db")
    assert not (tmp_path / "saved.db").exists()


def test_salvaging_overwrites_nothing(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "saved.db"
    out.write_text("mine")
    with pytest.raises(StoreError, match="exists already"):
        salvage(path, out)
    assert out.read_text() == "mine"


# What stands beside the file.

KILLED = """
import os, signal, sys
from pathlib import Path
from engine.store import open_store
from engine.store.prompts import land_set
store = open_store(Path(sys.argv[1]), writable=True)
for number in range(int(sys.argv[2])):
    with store.write() as tx:
        land_set(tx, f"{number}" * 200)
os.kill(os.getpid(), signal.SIGKILL)
"""


def left_by_a_killed_process(path: Path, sets: int = 20) -> Path:
    """A store with what was committed last in its -wal."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(sets)], env=ENVIRONMENT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    return path


def wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def sets_in(path: Path) -> int:
    with open_store(path) as store:
        return len(set_names(store.reader))


def test_a_store_that_a_killed_process_left_is_whole(tmp_path: Path) -> None:
    path = left_by_a_killed_process(tmp_path / "arena.db")
    assert unusable_commits(path) == 0
    assert sets_in(path) == 20


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("left", ["a cut", "zeros", "a hole"])
def test_a_power_loss_costs_the_last_commits_and_no_more(tmp_path: Path, seed: int, left: str) -> None:
    """The -wal's end is as a disk leaves it that had not written all of it: faked on the files of a killed process."""
    path = left_by_a_killed_process(tmp_path / "arena.db")
    with open_store(path) as store:
        all_sets = [name for name, _ in set_names(store.reader)]
    size = wal(path).stat().st_size
    at = random.Random(seed).randrange(size)
    if left == "a cut":
        os.truncate(wal(path), at)
    else:
        overwrite(wal(path), at, bytes(size - at if left == "zeros" else min(PAGE, size - at)))
    with open_store(path, writable=True) as store:
        kept = [name for name, _ in set_names(store.reader)]
        assert kept == all_sets[: len(kept)]
    with open_store(path) as store:
        assert check_store(store.reader).sound
        assert len(set_names(store.reader)) == len(kept)


@pytest.mark.parametrize("writable", [True, False])
def test_a_missing_wal_is_missed(tmp_path: Path, writable: bool) -> None:
    path = left_by_a_killed_process(tmp_path / "arena.db")
    wal(path).rename(tmp_path / "kept")
    with pytest.raises(StoreError, match=r"arena\.db-wal that belongs to .* is missing"):
        open_store(path, writable=writable).reader.execute("SELECT 1")
    (tmp_path / "kept").rename(wal(path))
    assert sets_in(path) == 20


def test_a_wal_is_missed_through_a_link_too(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    path = left_by_a_killed_process(tmp_path / "scratch" / "arena.db")
    link = tmp_path / "arena.db"
    link.symlink_to(path)
    assert sets_in(link) == 20
    wal(path).unlink()
    with pytest.raises(StoreError, match=r"arena\.db-wal that belongs to .* is missing"):
        open_store(link).reader.execute("SELECT 1")


def test_a_store_without_its_wal_is_not_empty(tmp_path: Path) -> None:
    path = left_by_a_killed_process(tmp_path / "arena.db", sets=0)
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink()
    with open_store(path) as store:
        assert store.reader.execute("SELECT COUNT(*) FROM meta").fetchone()[0] > 0


@pytest.mark.parametrize("writable", [True, False])
def test_a_wal_without_its_store_is_kept(tmp_path: Path, writable: bool) -> None:
    path = left_by_a_killed_process(tmp_path / "arena.db")
    path.rename(tmp_path / "elsewhere")
    before = wal(path).read_bytes()
    with pytest.raises(StoreError, match=r"is not there, but arena\.db-wal is"):
        open_store(path, writable=writable).reader.execute("SELECT 1")
    assert wal(path).read_bytes() == before
    assert not path.exists()


@pytest.mark.parametrize("writable", [True, False])
def test_the_wal_of_another_store_is_not_replayed(path: Path, tmp_path: Path, writable: bool) -> None:
    before = path.read_bytes()
    other = left_by_a_killed_process(tmp_path / "other.db")
    shutil.copyfile(wal(other), wal(path))
    with pytest.raises(StoreError, match="belongs to another store, or to another state"):
        open_store(path, writable=writable).reader.execute("SELECT 1")
    assert path.read_bytes() == before
    saved = salvage(path, tmp_path / "saved.db")
    assert counts(tmp_path / "saved.db")["battles"] == BATTLES
    assert "only what stood in the file itself is taken" in saved.notes[0]


def test_an_older_copy_put_over_a_store_does_not_meet_its_wal(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    open_store(path, writable=True).close()
    shutil.copyfile(path, tmp_path / "backup.db")
    with open_store(path, writable=True) as store:
        for n in range(300):
            with store.write() as tx:
                land_set(tx, f"{n}" * 300)
    left_by_a_killed_process(path, sets=350)
    shutil.copyfile(tmp_path / "backup.db", path)
    with pytest.raises(StoreError, match="belongs to another store, or to another state"):
        open_store(path).reader.execute("SELECT 1")


def test_a_wal_that_goes_on_being_written_and_folded_always_fits(tmp_path: Path) -> None:
    """Looked at as often as can be, while two processes write and fold it in."""
    path = tmp_path / "arena.db"
    open_store(path, writable=True).close()
    writers = [
        subprocess.Popen([sys.executable, "-c", KILLED, str(path), "400"], env=ENVIRONMENT) for _ in range(2)
    ]
    looks = 0
    while any(one.poll() is None for one in writers):
        open_store(path).reader.execute("SELECT COUNT(*) FROM prompt_sets").fetchone()
        looks += 1
    assert looks > 10


def test_damage_in_a_wal_is_told_with_the_commits_that_it_hides(tmp_path: Path) -> None:
    path = left_by_a_killed_process(tmp_path / "arena.db")
    frames = read_wal(path)
    assert frames is not None
    overwrite(wal(path), wal(path).stat().st_size // 2, b"\xff\xfe\xfd")
    hidden = unusable_commits(path)
    assert hidden is not None
    assert 1 <= hidden <= 20
    assert sets_in(path) < 20
    assert f"{hidden} commits in the -wal are not seen" in check_says(path)


def test_a_damaged_head_of_a_wal_is_told(tmp_path: Path) -> None:
    path = left_by_a_killed_process(tmp_path / "arena.db")
    overwrite(wal(path), 9, b"\xff")
    assert unusable_commits(path) is None
    assert "the header of the -wal is damaged" in check_says(path)


def test_what_is_found_damaged_while_reading_is_said_with_a_mend(path: Path) -> None:
    offset = page_with(path, b"ann says 77")
    overwrite(path, offset, bytes(PAGE))

    def read_all(store: Store) -> None:
        store.reader.execute("SELECT SUM(LENGTH(body)) FROM texts").fetchone()

    with pytest.raises(StoreError, match="is damaged"), open_store(path) as store:
        read_all(store)
