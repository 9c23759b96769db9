"""Runs exported and imported again by the commands: the same store, that goes on where the other one stopped."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.formats.export import ExportFormat
from engine.store import Store, open_store
from engine.store.checks import check_store
from engine.store.export import table_rows
from tests.cli.commanding import command
from tests.engine.battles.carrying import contents, rewrite
from tests.engine.jobs.arena_on_loopback import Arena, verdict
from tests.servers.loopback import LoopbackServer, Request
from tests.servers.openai_server import Behaviour, answer, status

HOSTILE = "=SUM(A1)\0\ud800\udc00\udfff\r\n\x1b]52;c;eA==\x07'\"\\json:\u2028\u202e -----END RESPONSE é"


@dataclass
class Troubled:
    """Players and a judge that answer in every way there is."""

    tries: dict[str, int] = field(default_factory=dict)

    def say(self, name: str, request: Request) -> Behaviour:
        question = request.json["messages"][-1]["content"]
        number = int(question.split()[-1])
        if name == "ada":
            return answer(f"{HOSTILE} {number}" if number % 2 else "alike")
        if name == "bob":
            return answer("" if number == 3 else "alike")
        if number == 5:
            return answer("and so on", finish_reason="length")
        if number == 6:
            return status(400)
        return answer("alike" if number == 1 else f"i am {name} on {number}")

    def judge(self, request: Request) -> Behaviour:
        """Unreadable the first time now and then, and on one question always."""
        page = json.dumps(request.json["messages"])
        number = int(hashlib.sha256(page.encode()).hexdigest(), 16)
        self.tries[page] = self.tries.get(page, 0) + 1
        if "question 7" in page or (self.tries[page] == 1 and number % 3 == 0):
            return answer(f"{HOSTILE} cannot say")
        return verdict(1 + number % 10, 1 + number // 10 % 10)


RECORDED = """
[run]
name = "again"
[prompts]
set = "{prompts}"
[players.x]
kind = "recorded"
model = "ada"
[players.y]
kind = "recorded"
model = "eve"
[judges.said]
kind = "recorded"
model = "{judge}"
"""


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory, loopback: LoopbackServer) -> Arena:
    """A run with hostile, equal, empty, cut and failed responses, and verdicts that took several tries or never came;
    then what was recorded of it fought again, once before its own judge and once before one who has said little."""
    arena, ways = Arena(tmp_path_factory.mktemp("troubled"), loopback, prompts=8), Troubled()
    for name, served in arena.served.items():
        served.choose = lambda request, name=name: ways.say(name, request)
    arena.judge.choose = ways.judge
    plan = arena.write_plan(run="on_cut = 'loss'\noutcome_rule = 'strict'")
    result = command("--batch", plan, "--json", store=arena.path)
    assert result.code == 0, result.err
    people = arena.folder / "people.jsonl"
    people.write_text(
        '{"question_id": "q1", "model_a": "ada", "model_b": "eve", "winner": "model_a", "judge": "people"}'
    )
    with opened(arena.path) as store:
        (prompts,) = {row["prompt_set"] for row in table_rows(store.reader, "prompts")}
    said = command("import", "verdicts", people, "--set-name", prompts, "--arena", "said", store=arena.path)
    assert said.code == 0, said.err
    for judge in ("judge", "people"):
        again = arena.folder / f"{judge}.toml"
        again.write_text(RECORDED.format(prompts=prompts, judge=judge).replace("again", f"by-{judge}"))
        assert command("--batch", again, store=arena.path).code == 0
    return arena


def opened(path: Path) -> Store:
    return open_store(path)


def carried(store: Path, folder: Path, form: str) -> Path:
    """All of a store exported, and imported into a new one."""
    out, other = folder / f"out-{form}", folder / f"{form}.db"
    assert command("export", "all", "--format", form, "--out", out, store=store).code == 0
    report = command("import", "store", out, "--json", store=other)
    assert report.code == 0, report.err
    assert report.json["set_aside"] == []
    return other


@pytest.mark.parametrize("form", [form.value for form in ExportFormat])
def test_a_run_comes_back(troubled: Arena, tmp_path: Path, form: str) -> None:
    other = carried(troubled.path, tmp_path, form)
    with opened(troubled.path) as store, opened(other) as copy:
        assert contents(copy) == contents(store)
        assert check_store(copy.reader).sound
        statuses = {row["status"] for row in table_rows(store.reader, "responses")}
        assert statuses == {"ok", "empty", "cut", "failed"}
        states = {row["state"] for row in table_rows(store.reader, "battles")}
        assert states == {"decided", "waiting", "void"}
        assert max(row["try"] for row in table_rows(store.reader, "verdicts")) > 0
        shared = [
            row
            for row in table_rows(store.reader, "games")
            if {row["player_key_first"], row["player_key_second"]}
            != {row["player_key_a"], row["player_key_b"]}
        ]
        assert shared  # equal responses of others were judged once
    for arguments in (
        ["leaderboard", "--arena", "loop"],
        ["leaderboard", "--arena", "by-judge", "--category", "a"],
        ["compare", "ada", "eve", "--arena", "loop"],
    ):
        here, there = (command(*arguments, "--json", store=path) for path in (troubled.path, other))
        assert (here.code, there.code) == (0, 0)
        assert there.json == here.json


@pytest.mark.parametrize("form", [form.value for form in ExportFormat])
def test_texts_of_a_run_are_the_same_to_the_byte(troubled: Arena, tmp_path: Path, form: str) -> None:
    other = carried(troubled.path, tmp_path, form)
    with opened(troubled.path) as store, opened(other) as copy:
        assert digests(copy) == digests(store)
        assert any(HOSTILE[:5] in text for text in answers(store))


def answers(store: Store) -> list[str]:
    return [turn["answer"] for row in table_rows(store.reader, "responses") for turn in row["turns"]]


def digests(store: Store) -> list[str]:
    said = [*answers(store), *(row["raw"] or "" for row in table_rows(store.reader, "verdicts"))]
    return sorted(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in said)


def test_a_run_goes_on_in_the_copy_and_asks_only_what_failed(troubled: Arena, tmp_path: Path) -> None:
    other = carried(troubled.path, tmp_path, "jsonl")
    asked = len(troubled.judge.chats)
    again = command("--batch", troubled.folder / "plan.toml", "--json", store=other)
    assert again.code == 0, again.err
    assert json.loads(again.lines[-1])["progress"]["calls"] == {"eve": 1}
    assert len(troubled.judge.chats) == asked


@pytest.mark.parametrize("form", [form.value for form in ExportFormat])
def test_a_store_that_ran_takes_nothing_from_its_own_export(
    troubled: Arena, tmp_path: Path, form: str
) -> None:
    copy = tmp_path / "copy.db"
    assert command("store", "backup", copy, store=troubled.path).code == 0
    with opened(copy) as store:
        before = contents(store)
    tables = [
        ("prompts", "prompts"),
        ("responses", "responses"),
        ("verdicts", "verdicts"),
        ("verdicts", "games"),
        ("arena", "battles"),
    ]
    for importer, table in tables:
        out = tmp_path / f"{table}.{form}"
        assert command("export", table, "--out", out, store=copy).code == 0
        report = command("import", importer, out, "--json", store=copy)
        assert not any(report.json["taken"].values()), table
        assert report.json["set_aside"] == []
    with opened(copy) as store:
        assert contents(store) == before


def test_the_pocket_arena_comes_back(tmp_path: Path) -> None:
    store = tmp_path / "pocket.db"
    assert command("--batch", "pocket", "--limit", "40", store=store).code == 0
    other = carried(store, tmp_path, "parquet")
    with opened(store) as one, opened(other) as copy:
        assert contents(copy) | {"arenas": []} == contents(one) | {"arenas": []}
    here, there = (command("leaderboard", "--json", store=path).json for path in (store, other))
    assert there == here
    assert (here["over"], here["battles"]) == ("prompts", 240)


def test_tables_of_a_run_one_by_one(troubled: Arena, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    assert command("export", "all", "--out", tmp_path / "out", store=troubled.path).code == 0
    early = command("import", "responses", tmp_path / "out" / "responses.jsonl", "--json", store=other)
    assert early.code == 1
    assert [group["rows"] for group in early.json["set_aside"]] == [24]
    assert "under its key" in early.json["set_aside"][0]["reason"]
    for form, tables in (
        ("prompts", ["prompts"]),
        ("store", ["judges", "players"]),
        ("responses", ["responses"]),
        ("verdicts", ["games"]),
        ("verdicts", ["verdicts"]),
        ("arena", ["battles"]),
        ("store", ["arenas"]),
    ):
        files = [tmp_path / "out" / f"{table}.jsonl" for table in tables]
        report = command("import", form, *files, "--json", store=other)
        assert (report.code, report.json["set_aside"]) == (0, [])
    with opened(troubled.path) as store, opened(other) as copy:
        here, there = contents(store), contents(copy)
        assert {table: there[table] for table in there if table != "arenas"} == {
            table: here[table] for table in here if table != "arenas"
        }


def test_battles_alone_are_a_log_of_names(troubled: Arena, tmp_path: Path) -> None:
    log, other = tmp_path / "battles.csv", tmp_path / "other.db"
    assert command("export", "battles", "--arena", "loop", "--out", log, store=troubled.path).code == 0
    report = command("import", "arena", log, "--outcome-rule", "strict", "--json", store=other)
    assert report.code == 0
    with opened(troubled.path) as store, opened(other) as copy:
        kept = ("question_id", "model_a", "model_b", "winner", "state", "judge", "arena")
        here, there = (
            [[row[name] for name in kept] for row in table_rows(s.reader, "battles", {"arena": "loop"})]
            for s in (store, copy)
        )
        assert there == here
        assert check_store(copy.reader).sound
    again = command("import", "arena", log, "--outcome-rule", "strict", "--json", store=other)
    assert not any(again.json["taken"].values())


def test_an_arena_that_is_named_takes_all_battles(troubled: Arena, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    out = tmp_path / "out"
    assert command("export", "all", "--out", out, store=troubled.path).code == 0
    command("import", "store", out, store=other)
    rewrite(out / "battles.jsonl", lambda row: row["arena"] == "loop")
    report = command(
        "import", "arena", out / "battles.jsonl", "--arena", "by games", "--outcome-rule", "per-game", "--on-cut",
        "void", "--json", store=other,
    )  # fmt: skip
    assert (report.code, report.json["set_aside"], report.json["taken"]["battles"]) == (0, [], 24)
    assert report.json["taken"]["verdicts"] == 0
    arenas = command("arenas", "list", "--json", store=other).json
    assert {one["arena"]: one["outcome_rule"] for one in arenas}.items() >= {
        ("loop", "strict"),
        ("by games", "per-game"),
    }


def test_a_changed_row_is_set_aside_with_its_reason(troubled: Arena, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other.db"
    assert command("export", "all", "--out", out, store=troubled.path).code == 0
    rewrite(
        out / "players.jsonl",
        lambda row: row.update(sampling={"temperature": 0.5}) if row["player"] == "eve" else None,
    )
    report = command("import", "store", out, "--json", store=other)
    reasons = {group["reason"].partition(" (")[0]: group["rows"] for group in report.json["set_aside"]}
    assert reasons == {
        "its key does not follow from the row": 1,
        "its model is not in this store under its key": sum(rows_of(out, "eve").values()),
    }
    assert command("store", "check", store=other).code == 0


def rows_of(out: Path, model: str) -> dict[str, int]:
    """By table, rows that are about a model."""
    found = {}
    for table in ("responses", "verdicts", "battles"):
        rows = [json.loads(line) for line in (out / f"{table}.jsonl").read_text().splitlines()]
        found[table] = sum(
            model in (row.get("model"), row.get("model_a"), row.get("model_b")) for row in rows
        )
    return found


def test_a_file_is_overwritten_only_when_forced(troubled: Arena, tmp_path: Path) -> None:
    out = tmp_path / "b.jsonl"
    out.write_text("mine")
    refused = command("export", "battles", "--out", out, store=troubled.path)
    assert (refused.code, "b.jsonl exists" in refused.err, out.read_text()) == (2, True, "mine")
    assert command("export", "battles", "--out", out, "--force", store=troubled.path).code == 0
    with opened(troubled.path) as store:
        assert len(out.read_text().splitlines()) == len(list(table_rows(store.reader, "battles")))
    unknown = command("export", "battles", "--out", tmp_path / "b.xyz", store=troubled.path)
    assert (unknown.code, "no format" in unknown.err, (tmp_path / "b.xyz").exists()) == (2, True, False)
    assert (
        command("export", "battles", "--out", tmp_path / "b.xyz", "--format", "csv", store=troubled.path).code
        == 0
    )
    assert command("export", "all", store=troubled.path).code == 2
    assert command("export", "all", "--out", tmp_path / "o", "--arena", "loop", store=troubled.path).code == 2
    assert command("export", "all", "--out", tmp_path, store=troubled.path).code == 2
