"""Hostile text in a real terminal: whoever wrote it (models, files, servers, people), it controls nothing.

Every command is run: the tree of commands is walked, and one without a case here fails the test.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from arena_tui.cli.main import ENTRIES
from tests.cli.battle_logs import HOSTILE_NAMES, random_battles
from tests.cli.commanding import command
from tests.e2e.hostile import ATTACK, HOSTILE, SAID, assert_inert
from tests.e2e.programs import in_terminal, session_in_terminal
from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import LoopbackServer, Request
from tests.servers.openai_server import Behaviour, answer, status

ALLOWED = [
    word for flag in ("injected", "special-tokens", "hidden", "constant", "cut") for word in ("--allow", flag)
]
"""Lifts what would leave out every text of the attack."""

# What is run, by command: the store that it is run on, and its arguments. An @ stands for the attack.
# `imported` has hostile names of everything; `played` hostile prompts, responses, verdicts and error bodies; `copied`
# and `replayed` are copies of the two that may be changed; `none` is no store at all.

CASES: Mapping[str, list[tuple[str, list[str]]]] = {
    "": [("imported", []), ("played", []), ("none", []), ("none", ["@"]), ("none", ["--store", "@"])],
    "--batch": [
        ("none", ["@"]),
        ("none", ["pocket", "--set", "@=@"]),
        ("none", ["pocket", "--stop-after", "@"]),
        ("none", ["{plan}"]),
        ("copied", ["{played_plan}", "--dry-run"]),
    ],
    "plan list": [("none", [])],
    "plan show": [("none", ["@"]), ("none", ["{plan}"]), ("none", ["{played_plan}"])],
    "plan check": [("none", ["@"]), ("none", ["{plan}"]), ("none", ["{played_plan}", "--set", "@"])],
    "plan keys": [("none", [])],
    "plan new": [("none", ["--player", "@", "--prompts", "@"])],
    "jobs list": [("played", [])],
    "jobs show": [("played", ["1"]), ("played", ["@"])],
    "jobs logs": [("played", ["1"]), ("played", ["1", "--follow"]), ("played", ["1", "--level", "@"])],
    "jobs drain": [("replayed", ["1"]), ("replayed", ["@"])],
    "jobs pause": [("replayed", ["1"]), ("replayed", ["@"])],
    "jobs cancel": [("replayed", ["1"]), ("replayed", ["@"])],
    "jobs resume": [("replayed", ["1", "--no-start"]), ("replayed", ["@"])],
    "jobs set": [("replayed", ["1", "max_cost=5"]), ("replayed", ["1", "@=@"]), ("replayed", ["@", "@"])],
    "worker": [("replayed", ["--foreground"]), ("replayed", ["--job", "@"]), ("none", ["--foreground"])],
    "judge check": [("none", ["pocket"]), ("none", ["@"]), ("played", ["{played_plan}", "--template", "@"])],
    "judge preview": [("played", ["{played_plan}", "--battle", "1"]), ("none", ["@"])],
    "judge templates list": [("none", [])],
    "judge templates show": [("none", ["@"]), ("none", ["@.toml"]), ("none", ["{template}"])],
    "leaderboard": [
        ("imported", []),
        ("imported", ["--all-columns"]),
        ("imported", ["--format", "csv"]),
        ("imported", ["--format", "markdown"]),
        ("imported", ["--json"]),
        ("played", []),
        *[("imported", [option, "@"]) for option in ("--arena", "--judge", "--category", "--format", "--@")],
        ("imported", ["--anchor", "@=@"]),
        ("imported", ["--store", "@"]),
    ],
    "matrix": [("imported", []), ("imported", ["--format", "csv"]), ("imported", ["--format", "markdown"])],
    "compare": [
        ("imported", ["@", "plain"]),
        ("imported", ["plain", "nan"]),
        ("imported", ["*", "--baseline", "plain"]),
        ("imported", ["*", "--baseline", "plain", "--format", "markdown"]),
    ],
    "ratings agree": [
        ("imported", ["--reference", "@"]),
        ("imported", ["--reference", "{ratings}"]),
        ("imported", ["--reference", "{ratings}", "--columns", "@"]),
    ],
    "verdicts list": [("imported", []), ("played", []), ("played", ["--state", "waiting"])],
    "verdicts scores": [("imported", [])],
    "verdicts stats": [("imported", []), ("played", []), ("played", ["--judge", "@"])],
    "verdicts show": [
        *[(store, ["1", *how]) for store in ("imported", "played") for how in ([], ["--raw"], ["--json"])],
        ("played", ["1", "--raw", "--whole"]),
        *[("played", [str(battle), "--raw"]) for battle in range(2, 13)],
    ],
    "import": [
        ("none", ["@", "@"]),
        ("none", ["arena", "@"]),
        ("copied", ["arena", "{log}", "--dry-run"]),
        ("copied", ["arena", "{log}"]),
        ("copied", ["arena", "{log}", "--map", "@"]),
    ],
    "select": [
        ("imported", ["--target", "plain", "--dry-run"]),
        ("played", ["--target", "ada", "--dry-run"]),
        (
            "replayed",
            ["--target", "ada", "--stage", "dpo", "--allow", "special-tokens", "--allow", "injected"],
        ),
        ("replayed", ["--target", "ada", "--strategy", "all", *ALLOWED]),
        *[
            ("imported", ["--target", "plain", option, "@"])
            for option in ("--judge", "--prompts", "--stage", "--allow")
        ],
        ("imported", ["--target", "@"]),
        ("imported", ["--target", "plain", "--strategy", "@"]),
        ("imported", ["--target", "plain", "--option", "@=@"]),
    ],
    "select list": [("replayed", []), ("replayed", ["--by", "opponent"]), ("replayed", ["--by", "category"])],
    "select show": [("replayed", ["1"]), ("replayed", ["2", "--json"]), ("replayed", ["@"])],
    "select export": [
        ("replayed", ["1"]),
        ("replayed", ["2"]),
        ("replayed", ["2", "--out", "{folder}/rows@.jsonl"]),
        ("replayed", ["2", "--layout", "@"]),
        ("replayed", ["2", "--layout", "llama-factory", "--out", "{folder}"]),
    ],
    "select drop": [("replayed", ["1"]), ("replayed", ["1", "--yes"]), ("replayed", ["@"])],
    "export": [
        *[("imported", [table]) for table in ("battles", "models", "players", "games", "ratings")],
        *[
            ("played", [table])
            for table in ("prompts", "responses", "verdicts", "jobs", "attempts", "events")
        ],
        ("replayed", ["selections"]),
        ("imported", ["prompts", "--format", "csv"]),
        ("played", ["responses", "--format", "csv"]),
        ("imported", ["battles", "--format", "parquet"]),
        ("imported", ["@"]),
    ],
    "imports list": [("imported", [])],
    "imports show": [("imported", ["1"])],
    "imports formats": [("none", [])],
    "arenas list": [("imported", [])],
    "arenas rename": [("copied", ["@", "@"]), ("copied", ["{arena}", "b@"])],
    "arenas drop": [("copied", ["@"]), ("copied", ["b@"]), ("copied", ["b@", "--yes"])],
    "imports undo": [("copied", ["1"])],
    "store info": [("imported", [])],
    "store check": [("imported", []), ("played", [])],
    "store verify": [("imported", [])],
    "doctor": [
        ("replayed", ["--plan", "{played_plan}"]),
        ("none", ["--plan", "@"]),
        ("none", ["--plan", "{plan}"]),
    ],
    "store salvage": [("none", ["{copy}", "--out", "{folder}/salvaged@.db"]), ("none", ["@", "--out", "@"])],
    "store backup": [("imported", ["{folder}/copy@.db"]), ("imported", ["@/@"])],
    "models list": [("imported", []), ("played", [])],
    "models flags": [("imported", []), ("played", []), ("played", ["--model", "@"])],
    "models alias": [("copied", ["@", "@"]), ("copied", ["plain", "nan"])],
}

FAILING = {"@", "{plan}", "parquet"}
"""Arguments with which a command ends otherwise than with 0."""

FREE = ("none", "replayed")
"""Stores on which a command may end as it likes: there is nothing to do, or nothing there."""


def leaves(command: Any, path: str) -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path
        return
    for name, one in below.items():
        yield from leaves(one, f"{path} {name}")


def test_every_command_has_a_case() -> None:
    tree = {path for entry in ENTRIES for path in leaves(entry.load(), entry.name)}
    assert tree == CASES.keys() - {"", "--batch", "select"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def hostile_log(path: Path) -> Path:
    """A battle log in which everything is hostile, one attack a name, with rows that cannot be used."""
    names = ["plain", "nan", f"all{ATTACK}", *(f"{i}{text}" for i, text in enumerate(HOSTILE.values()))]
    names += [name for name in HOSTILE_NAMES if name not in names]
    rows = [
        {"model_a": a, "model_b": b, "winner": w, "question_id": f"{q}{ATTACK}", "category": f"{c}{ATTACK}"}
        for a, b, w, q, c in random_battles(names, 400)
    ]
    lines = [json.dumps(row) for row in rows]
    lines += [json.dumps({**rows[0], "winner": ATTACK}), f'{{"model_a": "{SAID}', json.dumps([ATTACK])]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def imported(folder: Path) -> Path:
    """A store whose models, prompts, categories, arena, judge and files have hostile names and texts."""
    log = hostile_log(folder / f"log{SAID[:150]}.jsonl")
    store = folder / "imported.db"
    named = ["--arena", f"arena{SAID}", "--judge", f"judge{SAID}"]
    made = command("import", "arena", log, *named, store=store)
    assert made.code == 0, made.err
    assert command("leaderboard", store=store).code == 0
    return store


def hostile_player(name: str) -> Behaviour:
    """One answers with the attack, one is cut in the middle of it, one is refused with it in the error."""
    if name == "eve":
        return status(400, f"this model's context does not hold {ATTACK}")
    return answer(f"{name} says {ATTACK}", finish_reason="length" if name == "bob" else "stop")


def hostile_judge(request: Request) -> Behaviour:
    said = {"explanation": f"because {ATTACK}", "score_first": 7, "score_second": 3}
    return answer(json.dumps(said) if len(request.body) % 3 else f"no verdict {ATTACK}")


@pytest.fixture(scope="module")
def played(folder: Path, loopback: LoopbackServer) -> Path:
    """A store of a run in which prompts, categories, responses, errors, explanations and the judge's replies attack.
    The run itself was on a terminal."""
    home = folder / "played"
    home.mkdir()
    arena = Arena(home, loopback, prompts=4)
    for name, served in arena.served.items():
        served.choose = lambda request, name=name: hostile_player(name)
    arena.judge.choose = hostile_judge
    rows = [{"id": f"q{i}{ATTACK}", "prompt": f"say {ATTACK}{i}", "category": f"c{ATTACK}"} for i in range(4)]
    (home / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    plan = home / "plan.toml"
    plan.write_text(arena.plan_text(run="on_cut = 'judge'", judge="template = 'brief'"))
    code, seen = in_terminal("--batch", plan, ARENA_TUI_STORE=str(arena.path))
    assert code == 0, seen
    assert_inert(seen)
    return arena.path


@pytest.fixture(scope="module")
def places(folder: Path, imported: Path, played: Path) -> dict[str, str]:
    """What the cases name in braces."""
    escaped = json.dumps(SAID)
    plan = folder / "hostile.toml"
    plan.write_text(f"[run]\nname = {escaped}\n{escaped} = 1\n[players.{escaped}]\nkind = {escaped}\n")
    template = folder / "template.toml"
    template.write_text(f"name = {escaped}\nkind = {escaped}\n{escaped} = 1\n")
    ratings = folder / f"ratings{SAID[:100]}.csv"
    ratings.write_text(f'model,rating\nplain,1000\nnan,1100\n"{SAID}",1\nx,"{SAID}"\n')
    return {
        "folder": str(folder),
        "plan": str(plan),
        "played_plan": str(played.parent / "plan.toml"),
        "template": str(template),
        "ratings": str(ratings),
        "log": str(hostile_log(folder / f"more{SAID[:150]}.jsonl")),
        "arena": f"arena{SAID}",
        "copy": str(shutil.copy(imported, folder / f"damaged{SAID[:100]}.db")),
    }


Seen = Mapping[tuple[str, str, str], tuple[int, bytes]]


@pytest.fixture(scope="module")
def seen(folder: Path, imported: Path, played: Path, places: dict[str, str]) -> Seen:
    """What each case showed: a session for each store, in the order of the cases."""
    stores = {"imported": imported, "played": played, "none": folder / "none.db"}
    for name, of in (("copied", imported), ("replayed", played)):
        stores[name] = shutil.copy(of, folder / f"{name}.db")
    found: dict[tuple[str, str, str], tuple[int, bytes]] = {}
    for name, store in stores.items():
        keys = [(path, name, " ".join(case)) for path, on, case in _all_cases() if on == name]
        run = [[*path.split(), *_filled(case, places)] for path, on, case in _all_cases() if on == name]
        shown = session_in_terminal(run, folder, ARENA_TUI_STORE=str(store))
        found |= dict(zip(keys, shown, strict=True))
    return found


def _all_cases() -> list[tuple[str, str, list[str]]]:
    return [(path, store, case) for path, cases in CASES.items() for store, case in cases]


def _filled(case: list[str], places: Mapping[str, str]) -> list[str]:
    filled = []
    for part in case:
        for name, place in places.items():
            part = part.replace(f"{{{name}}}", place)
        filled.append(part.replace("@", SAID))
    return filled


@pytest.mark.parametrize(
    ("path", "store", "case"), _all_cases(), ids=lambda one: " ".join(one) if isinstance(one, list) else one
)
def test_nothing_of_it_reaches_the_terminal(path: str, store: str, case: list[str], seen: Seen) -> None:
    code, shown = seen[path, store, " ".join(case)]
    assert shown or path == "worker"  # which has nothing to say where nothing is to do
    assert_inert(shown)
    assert b"Traceback" not in shown
    if not any(mark in part for part in case for mark in FAILING) and store not in FREE:
        assert code == 0, shown


def test_a_battle_shows_what_was_said_behind_bars(seen: Seen) -> None:
    shown = b"".join(seen["verdicts show", "played", f"{n} --raw"][1] for n in range(1, 13)).decode()
    assert "because" in shown
    assert "␛]52;c;cHduZWQ=␇" in shown.replace("\r\n│ ", "")
    assert "␀" in shown
    assert "<U+D800>" in shown.replace("\r\n│ ", "")


def test_errors_of_a_server_are_shown_inert(seen: Seen) -> None:
    told = seen["jobs show", "played", "1"][1] + seen["verdicts list", "played", ""][1]
    assert b"failed" in told


def test_the_log_of_a_worker_is_inert(folder: Path, played: Path) -> None:
    """It is read with cat and tail; its words are those of the terminal."""
    plan = played.parent / "plan.toml"
    store = folder / "detached.db"
    code, shown = in_terminal("--batch", plan, "--detach", ARENA_TUI_STORE=str(store))
    assert code == 0, shown
    assert_inert(shown)
    code, shown = in_terminal("jobs", "logs", "1", "--follow", ARENA_TUI_STORE=str(store))
    assert code == 0, shown
    assert_inert(shown)
    (log,) = folder.glob("detached.db.worker*.log")
    assert log.stat().st_size > 0
    assert_inert(log.read_bytes())


def test_bytes_that_are_no_text_are_said_back_inert(imported: Path) -> None:
    for arguments in ([b"leaderboard", b"--arena", b"\xff\x9b31m"], [b"--batch", b"\xff.toml"], [b"\xff"]):
        _, shown = in_terminal(*arguments, ARENA_TUI_STORE=str(imported))
        assert shown
        assert_inert(shown)
        assert b"Traceback" not in shown


def test_parquet_is_not_for_a_terminal(seen: Seen) -> None:
    code, shown = seen["export", "imported", "battles --format parquet"]
    assert (code, b"PAR1" in shown, b"--out FILE" in shown) == (2, False, True)


DRAWN = ("wide", "blank", "markup")
"""Shown as they are: nothing in them controls."""


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in DRAWN])
def test_the_test_would_see_each_attack(name: str) -> None:
    shown = f"model {HOSTILE[name]} end".encode("utf-8", "surrogatepass")
    with pytest.raises((AssertionError, UnicodeDecodeError)):
        assert_inert(shown)
