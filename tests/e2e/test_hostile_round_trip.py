"""Hostile texts stay as they came, to the last code unit: through a server, the store, a judge, export and import."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store import Store, open_store
from engine.store.responses import read_turns
from engine.store.texts import decode
from tests.cli.commanding import command
from tests.e2e.hostile import ATTACK, HOSTILE
from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import LoopbackServer, Request
from tests.servers.openai_server import answer

TEXTS = [
    *HOSTILE.values(),
    ATTACK,
    "\r\n",
    " ",
    "\ufeff",
    "\ud83d\ude00 is a pair, \ude00\ud83d is none",
    "=HYPERLINK(1)",
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    "'quoted",
    '"',
    '\\json:"x"',
    "\\json:",
    "a\x00",
    "\x00",
    "x" * 1_000_000,
    "line\n" * 100_000,
    "null",
    "NaN",
    "[]",
    "<think>not</think>thought",
]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-16-le", "surrogatepass")).hexdigest()


def said_by(name: str, request: Request) -> str:
    """What a player answers: a text of its own for each prompt."""
    asked = request.json["messages"][-1]["content"]
    return f"{name}: {TEXTS[int(asked.split('#')[-1])]}"


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory, loopback: LoopbackServer) -> Arena:
    """A run in which every text of prompts, responses and explanations is hostile."""
    made = Arena(tmp_path_factory.mktemp("round"), loopback)
    for name, served in made.served.items():
        served.choose = lambda request, name=name: answer(said_by(name, request))
    explained = iter(TEXTS * 10)
    made.judge.choose = lambda request: answer(
        json.dumps({"explanation": next(explained), "score_first": 7, "score_second": 3})
    )
    rows = [
        {"id": f"q{i}{text[:200]}", "prompt": f"{text[:5000]}#{i}", "category": f"c{text[:200]}"}
        for i, text in enumerate(TEXTS)
    ]
    (made.folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    plan = made.folder / "plan.toml"
    plan.write_text(made.plan_text(judge="template = 'brief'"))
    done = command("--batch", plan, store=made.path)
    assert done.code == 0, done.err
    return made


def texts_of(store: Store) -> dict[str, set[str]]:
    """Digests of all texts, by what they are."""
    rows = store.reader.execute("SELECT id FROM responses WHERE status = 'ok'").fetchall()
    names = "SELECT name FROM prompt_set_items UNION SELECT category FROM prompt_set_items"
    return {
        "responses": {digest(turn.answer) for (one,) in rows for turn in read_turns(store.reader, one)},
        "names": {digest(decode(name)) for (name,) in store.reader.execute(names)},
        "all": {digest(decode(body)) for (body,) in store.reader.execute("SELECT body FROM texts")},
    }


@pytest.fixture(scope="module")
def stored(arena: Arena) -> Iterator[Store]:
    with open_store(arena.path) as opened:
        yield opened


def test_what_a_server_said_is_what_the_store_has(stored: Store) -> None:
    expected = {digest(f"{name}: {text}") for name in ("ada", "bob", "eve") for text in TEXTS}
    assert texts_of(stored)["responses"] == expected


def test_names_categories_and_prompts_are_as_the_file_had_them(stored: Store) -> None:
    found = texts_of(stored)
    assert {digest(f"c{text[:200]}") for text in TEXTS} <= found["names"]
    assert {digest(f"q{i}{text[:200]}") for i, text in enumerate(TEXTS)} <= found["names"]
    prompts = command("export", "prompts", store=Path(stored.path)).out.rstrip("\n").split("\n")
    exported = {digest(json.loads(line)["messages"][0]["content"]) for line in prompts}
    assert exported == {digest(f"{text[:5000]}#{i}") for i, text in enumerate(TEXTS)}


def test_a_server_was_asked_what_the_file_had(arena: Arena) -> None:
    for served in arena.served.values():
        asked = {digest(request.json["messages"][-1]["content"]) for request in served.chats}
        assert asked == {digest(f"{text[:5000]}#{i}") for i, text in enumerate(TEXTS)}


def test_what_the_judge_said_is_what_the_store_has(stored: Store) -> None:
    assert {digest(text) for text in TEXTS} <= texts_of(stored)["all"]


def test_the_judge_was_shown_copies_that_control_nothing(arena: Arena) -> None:
    pages = [request.json["messages"][-1]["content"] for request in arena.judge.chats]
    assert any("⟨U+001B⟩]52;c;" in page for page in pages)
    assert not any(mark in page for page in pages for mark in "\x1b\x00\u202e\u200b\U000e0041\x9b\ud800")


@pytest.mark.parametrize("text", ["x" * 1_000_000, "line\n" * 100_000], ids=["a line", "many lines"])
def test_a_megabyte_is_shown_in_part_and_whole_on_demand(text: str, arena: Arena, stored: Store) -> None:
    row = stored.reader.execute(
        "SELECT b.id FROM battles b JOIN prompt_set_items i ON i.prompt_id = b.prompt_id WHERE i.name = ?",
        (f"q{TEXTS.index(text)}{text[:200]}",),
    ).fetchone()
    told = [
        command("verdicts", "show", str(row[0]), *how, width=80, store=arena.path).out
        for how in ([], ["--whole"])
    ]
    assert len(told[0]) < 60_000
    assert "characters are left out; --whole shows them" in told[0]
    assert len(told[1]) > 2 * len(text)
    assert "left out" not in told[1]
    assert len(command("verdicts", "list", "--limit", "500", width=80, store=arena.path).out) < 200_000


FORMS = pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])


@FORMS
def test_a_whole_store_brings_every_text_again(
    form: str, arena: Arena, stored: Store, tmp_path: Path
) -> None:
    again = tmp_path / "again.db"
    assert command("export", "all", "--format", form, "--out", tmp_path / "all", store=arena.path).code == 0
    taken = command("import", "store", tmp_path / "all", "--json", store=again)
    assert taken.code == 0, taken.err
    assert taken.json["set_aside"] == []
    with open_store(again) as opened:
        assert texts_of(opened) == texts_of(stored)


@FORMS
def test_tables_bring_every_text_again(form: str, arena: Arena, stored: Store, tmp_path: Path) -> None:
    """As anybody's files are read: by names, not by keys."""
    again = tmp_path / "again.db"
    for table in ("prompts", "responses", "verdicts"):
        out = tmp_path / f"{table}.{form}"
        assert command("export", table, "--out", out, store=arena.path).code == 0
        taken = command("import", table, out, "--option", "keys=ignore", "--json", store=again)
        assert taken.code == 0, taken.err
        assert taken.json["set_aside"] == []
    with open_store(again) as opened:
        before, after = texts_of(stored), texts_of(opened)
    assert after["responses"] == before["responses"]
    assert before["names"] <= after["names"]
    assert before["all"] <= after["all"]
