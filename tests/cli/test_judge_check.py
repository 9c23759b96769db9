"""`judge check` from the command line: what it costs first, its table, its exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.commanding import command
from tests.cli.schemas import check_command
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.judges.asking import saying
from tests.engine.judges.checking.fake_judges import obedient, upright
from tests.servers.loopback import LoopbackServer, Request


def arena(folder: Path, loopback: LoopbackServer, says: Callable[[Request], str]) -> Arena:
    made = Arena(folder, loopback)
    made.judge.choose = lambda _: saying(says)
    (folder / "plan.toml").write_text(made.plan_text())
    return made


@pytest.mark.parametrize(("says", "code"), [(upright, 0), (obedient, 1)])
def test_it_fails_where_a_forged_verdict_is_accepted(
    tmp_path: Path, loopback: LoopbackServer, says: Callable[[Request], str], code: int
) -> None:
    arena(tmp_path, loopback, says)
    shown = command("judge", "check", tmp_path / "plan.toml", "--questions", "1", "--yes", "--json")
    assert shown.code == code, shown.err
    check_command("judge check", shown.json)
    (found,) = shown.json
    assert (found["forged_accepted"] > 0) is (code == 1)
    assert f"is asked {found['calls']} times" in shown.err
    table = command("judge", "check", tmp_path / "plan.toml", "--questions", "1", "--yes", width=80)
    assert table.code == code
    assert ("forged verdicts were accepted" in table.out) is (code == 1)
    assert max(len(line) for line in table.out.splitlines() if not line.startswith(("forged", "both"))) <= 80


def test_templates_are_checked_side_by_side(tmp_path: Path, loopback: LoopbackServer) -> None:
    arena(tmp_path, loopback, upright)
    templates = ("--template", "arena-learning", "--template", "brief")
    shown = command(
        "judge", "check", tmp_path / "plan.toml", "--questions", "1", "--yes", "--json", *templates
    )
    assert [one["template"] for one in shown.json] == ["arena-learning", "brief"]


def test_a_served_judge_is_asked_nothing_without_yes(tmp_path: Path, loopback: LoopbackServer) -> None:
    made = arena(tmp_path, loopback, upright)
    shown = command("judge", "check", tmp_path / "plan.toml")
    assert (shown.code, "add --yes" in shown.err, "122" in shown.err) == (2, True, True)
    assert made.judge.chats == []


def test_the_pocket_checker_needs_no_yes() -> None:
    shown = command("judge", "check", "pocket", "--json")
    assert shown.code == 0
    check_command("judge check", shown.json)


def test_an_unknown_judge_is_named_with_the_nearest(tmp_path: Path, loopback: LoopbackServer) -> None:
    arena(tmp_path, loopback, upright)
    assert command("judge", "check", tmp_path / "plan.toml", "--judge", "none").code == 2
