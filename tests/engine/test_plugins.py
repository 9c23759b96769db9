"""Plug-ins are found by metadata, imported when they are named, and broken ones are told of by name."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from engine.errors import MissingExtra, PluginError, UsageError
from engine.plugins import Group, find, listing, load, names
from tests.engine.plan.packages import install

PLAYERS = Group.PLAYERS.value
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("group", list(Group))
def test_our_own_come_through_the_same_door(group: Group) -> None:
    announced = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"].get(group.value, {})
    assert set(announced) <= set(names(group))
    assert {p.package for p in listing(group).plugins if p.name in announced} <= {"arena-tui"}


def test_a_stranger_is_listed_without_being_imported(packages: Path) -> None:
    install(packages, "stranger", {PLAYERS: {"odd": "odd_player:Odd"}}, {"odd_player": "raise SystemExit(7)"})
    assert "odd" in names(Group.PLAYERS)
    assert "odd_player" not in sys.modules
    assert find(Group.PLAYERS, "odd").package == "stranger"
    assert find(Group.PLAYERS, "odd").version == "1.0"


def test_listing_imports_no_plugin_and_nothing_heavy() -> None:
    code = (
        "import sys; from engine.plugins import Group, names; [names(group) for group in Group];"
        "print([m for m in sys.modules if m.startswith(('engine.players', 'engine.judges', 'pydantic', 'torch'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_naming_one_imports_that_one(packages: Path) -> None:
    source = "class Even:\n    @classmethod\n    def from_plan(cls, name, spec): return cls()\n"
    modules = {"even_player": source, "other_player": "raise RuntimeError"}
    targets = {"even": "even_player:Even", "other": "other_player:X"}
    install(packages, "stranger", {PLAYERS: targets}, modules)
    assert load(Group.PLAYERS, "even").__name__ == "Even"
    assert "other_player" not in sys.modules


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("1 / 0", "ZeroDivisionError"),
        ("def (", "SyntaxError"),
        ("", "has no attribute 'Odd'"),
        ("class Odd: pass", "has no 'from_plan'"),
    ],
)
def test_a_broken_stranger_is_named_with_the_reason(packages: Path, source: str, reason: str) -> None:
    install(packages, "stranger", {PLAYERS: {"odd": "broken_player:Odd"}}, {"broken_player": source})
    sys.modules.pop("broken_player", None)
    with pytest.raises(PluginError) as raised:
        load(Group.PLAYERS, "odd")
    assert "player 'odd' of the package stranger 1.0 is broken" in raised.value.title
    assert reason in raised.value.text
    assert raised.value.exit_code == 1


def test_what_a_plugin_says_of_a_missing_extra_is_passed_on(packages: Path) -> None:
    source = "from engine.errors import MissingExtra\nraise MissingExtra('odd', 'odd')"
    install(packages, "stranger", {PLAYERS: {"odd": "extra_player:Odd"}}, {"extra_player": source})
    with pytest.raises(MissingExtra):
        load(Group.PLAYERS, "odd")


def test_an_unknown_name_tells_the_known_and_the_nearest() -> None:
    with pytest.raises(UsageError) as raised:
        find(Group.PLAYERS, "htpp")
    assert raised.value.title == "there is no player 'htpp'"
    assert "http" in raised.value.text
    assert "recorded" in raised.value.text
    assert "'http'" in raised.value.mend
    assert raised.value.exit_code == 2


def test_our_name_stays_ours(packages: Path) -> None:
    install(packages, "squatter", {PLAYERS: {"http": "squat:Squat"}}, {"squat": "raise SystemExit"})
    assert find(Group.PLAYERS, "http").package == "arena-tui"
    (warning,) = listing(Group.PLAYERS).warnings
    assert "squatter" in warning
    assert "'http'" in warning


def test_a_name_of_two_strangers_is_listed_with_a_warning_and_cannot_be_named(packages: Path) -> None:
    for name in ("one", "two"):
        install(packages, name, {PLAYERS: {"odd": f"{name}_player:Odd"}}, {})
    (warning,) = listing(Group.PLAYERS).warnings
    assert "one and two both offer the player 'odd'" in warning
    assert names(Group.PLAYERS).count("odd") == 1
    with pytest.raises(PluginError, match="several packages"):
        load(Group.PLAYERS, "odd")


def test_an_installation_stands_above_what_a_build_left_beside_the_source(packages: Path) -> None:
    left = packages / "arena_tui.egg-info"
    left.mkdir()
    (left / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: arena-tui\nVersion: 0.0.1\n")
    (left / "entry_points.txt").write_text("[arena_tui.players]\nold = old:Old\n")
    assert "old" not in names(Group.PLAYERS)
    assert "http" in names(Group.PLAYERS)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("entry_points.txt", b"[arena_tui.players]\nodd\n"),
        ("entry_points.txt", b"[arena_tui.players]\nodd = \xff\n"),
        ("METADATA", b""),
        ("METADATA", b"\xff"),
    ],
)
def test_unreadable_metadata_is_a_warning(packages: Path, file: str, content: bytes) -> None:
    install(packages, "stranger", {PLAYERS: {"odd": "odd:Odd"}}, {})
    (packages / "stranger-1.0.dist-info" / file).write_bytes(content)
    found = listing(Group.PLAYERS)
    assert "http" in found.names
    assert "odd" not in found.names
    assert len(found.warnings) == 1
    assert "cannot be read" in found.warnings[0]


def test_without_an_installation_it_says_how_to_install(
    monkeypatch: pytest.MonkeyPatch, packages: Path
) -> None:
    install(packages, "stranger", {PLAYERS: {"odd": "odd:Odd"}}, {})
    only = list(metadata.distributions(path=[str(packages)]))
    monkeypatch.setattr("engine.plugins.distributions", lambda: only)
    with pytest.raises(UsageError) as raised:
        names(Group.PLAYERS)
    assert "not installed" in raised.value.title
    assert "pip install -e ." in raised.value.mend
