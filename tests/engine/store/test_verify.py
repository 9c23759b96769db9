"""Verifying finds every row that was changed by hand, and says what it cannot derive."""

from __future__ import annotations

from collections import Counter

import pytest

from engine import keys
from engine.records import Conversation, Message, Prompt, Sampling, Verdict, VerdictKind, VerdictStatus
from engine.store import Store, open_store
from engine.store.checks import check_store
from engine.store.contestants import Contestant, land_judge, land_player
from engine.store.info import store_info
from engine.store.migrations import latest_version
from engine.store.prompts import land_prompts
from engine.store.responses import land_responses
from engine.store.verdicts import NewVerdict, land_verdicts
from engine.store.verify import verify
from tests.engine.battles.importing_rows import battle, bring, game, prompt, response, scores
from tests.engine.store.landing import Ground, answer, land, lay_ground
from tests.engine.store.landing import battle as fight
from tests.engine.store.landing import response as said


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with something of everything: imported, checked, and judged by a model."""
    bring(
        store,
        [
            prompt("q1", "one?"),
            response("ann", "a\0\ud800"),
            battle("ann", "bob", scores(8, 2), scores(9, 1, swapped=True), source_id="é"),
            battle("bob", "bob"),
            battle("ann", "bob", game("tie"), prompt="unknown", turn=1),
        ],
    )
    with store.write() as tx:
        sampling = Sampling(temperature=0.5, stop=("\n",), seed=3, extra={"min_p": 0.1})
        land_player(tx, "local", "weights", {"hash": "x"}, "template", sampling)
        ground = lay_ground(tx)
        run(tx, ground)
    return store


def run(tx: object, ground: Ground) -> None:
    """What a run leaves: responses by their sample, verdicts of a checker and of a model, a battle."""
    landed = land_responses(tx, [answer(ground, n, said(f"answer {n}", sample=n)) for n in range(2)])  # type: ignore[arg-type]
    (first_key, first), (second_key, second) = ((key, one.id) for key, one in landed.items())
    options = {"name": "pocket", "version": 1}
    facts = {
        "kind": "llm",
        "model": {"kind": "endpoint", "facts": {"id": "m"}, "template": None},
        "template": "pair",
        "template_version": 1,
        "template_hash": "h",
        "sampling": keys.sampling_json(Sampling(temperature=0)),
        "options": {"reply": "schema"},
    }
    checker_key = keys.judge_key("checker", None, None, None, options)
    model_key = keys.judge_key("llm", facts["model"], "h", Sampling(temperature=0), {"reply": "schema"})  # type: ignore[arg-type]
    checker = land_judge(tx, "checker", "scores", checker_key, {"kind": "checker", **options})  # type: ignore[arg-type]
    model = land_judge(tx, "model", "scores", model_key, facts)  # type: ignore[arg-type]
    ok = Verdict(VerdictKind.SCORES, VerdictStatus.OK, (8.0, 2.0))

    def new(key: str, judge: Contestant) -> NewVerdict:
        a, b, *_ = ground.players
        return NewVerdict(key, judge.id, ground.prompt_id, a.id, b.id, ok, first, second)

    compared = keys.compared_verdict_key(checker.key, ground.prompt_key, first_key, second_key, None)
    rendered = keys.verdict_key(model.key, [Message("user", "which?")])
    land_verdicts(tx, [new(compared, checker), new(rendered, model)])  # type: ignore[arg-type]


def test_everything_that_can_be_derived_is(filled: Store) -> None:
    counts: Counter[str] = Counter()
    assert list(verify(filled.reader, counts)) == []
    assert counts == {
        "texts": 5,
        "prompts": 3,
        "models": 4,
        "players": 4,
        "judges": 4,
        "responses": 3,
        "verdicts": 5,
        "verdicts not derivable": 1,
        "battles": 3,
    }
    report = check_store(filled.reader)
    assert report.sound
    assert report.derived == counts


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("texts", "UPDATE texts SET body = body || ' ' WHERE id = 1"),
        ("prompts", "UPDATE prompts SET conversation = NULL WHERE id = 1"),
        ("models", "UPDATE models SET template_hash = 'other' WHERE kind = 'weights'"),
        ("players", "UPDATE players SET sampling = '{\"temperature\": 0.25}' WHERE name = 'local'"),
        ("judges", "UPDATE judges SET facts = '{\"name\": \"somebody\"}' WHERE name = 'human'"),
        ("judges", "UPDATE judges SET facts = replace(facts, 'schema', 'line') WHERE name = 'model'"),
        ("responses", "UPDATE responses SET sample = 5 WHERE sample = 1"),
        ("responses", "UPDATE response_turns SET answer = 1 WHERE response_id = 1"),
        ("verdicts", "UPDATE verdicts SET source = 'other' WHERE id = 1"),
        (
            "verdicts",
            "UPDATE verdicts SET turn = 2 WHERE judge_id = (SELECT id FROM judges WHERE name = 'checker')",
        ),
        ("battles", "UPDATE battles SET turn = 7 WHERE id = 1"),
        ("battles", "UPDATE battles SET player_b = player_a WHERE id = 1"),
    ],
)
def test_a_row_that_was_changed_by_hand_is_found(filled: Store, table: str, change: str) -> None:
    with filled.write() as tx:
        assert tx.connection.execute(change).rowcount == 1
    assert table in {mismatch.table for mismatch in verify(filled.reader)}
    report = check_store(filled.reader)
    assert not report.sound
    assert report.mismatched == len(list(verify(filled.reader)))


def test_a_row_that_refers_to_nothing_is_found(filled: Store) -> None:
    with filled.write(foreign_keys=False) as tx:
        tx.connection.execute("DELETE FROM texts WHERE id = 1")
    assert any("refers to a row of texts that is gone" in line for line in check_store(filled.reader).damage)


def test_damage_is_told_and_nothing_else_is_tried(store: Store) -> None:
    bring(store, [response("ann", f"{n}" * 50_000, f"q{n}") for n in range(20)])
    store.close()
    whole = store.path.read_bytes()
    middle = len(whole) // 2
    store.path.write_bytes(whole[:middle] + b"\xa5" * (len(whole) - middle))
    with open_store(store.path) as opened:
        report = check_store(opened.reader)
    assert report.damage
    assert not report.sound


def test_info_tells_what_is_there(filled: Store) -> None:
    info = store_info(filled.reader, filled.path)
    assert info.rows["battles"] == 3
    assert info.rows["imports"] == 1
    assert (info.journal, info.schema, info.network) == ("wal", latest_version(), False)
    assert info.bytes == filled.path.stat().st_size
    assert info.free_bytes > 0
    assert len(info.store_id) == 16


def test_a_battle_of_a_run_follows_from_its_responses(store: Store) -> None:
    with store.write() as tx:
        ground = lay_ground(tx)
        landed = land_responses(tx, [answer(ground, n, said(f"answer {n}", sample=n)) for n in range(2)])
    (key_a, a), (key_b, b) = landed.items()
    key = keys.battle_key(ground.judge.key, ground.prompt_key, key_a, key_b, None)
    land(store, ground, fight(ground, "", response_a=a.id, response_b=b.id)._replace(key=key))
    assert list(verify(store.reader)) == []
    with store.write() as tx:
        tx.connection.execute("UPDATE battles SET response_b = response_a")
    assert [mismatch.table for mismatch in verify(store.reader)] == ["battles"]


def test_a_prompt_that_a_run_gave_its_text_keeps_the_key_of_its_name(store: Store) -> None:
    bring(store, [battle("ann", "bob", prompt="q1")])  # a log that only names the prompt
    with store.write() as tx:
        (set_name,) = tx.connection.execute("SELECT name FROM prompt_sets").fetchone()
        (landed,) = land_prompts(tx, [Prompt("q1", Conversation.of("one?"), set_name)])
    assert landed.key == keys.named_prompt_key(set_name, "q1")
    assert list(verify(store.reader)) == []


def test_counts_are_compared_in_one_state_beside_a_writer(store: Store) -> None:
    bring(store, [battle("ann", "bob", source_id="1")])
    with open_store(store.path) as reading:
        seen: list[int] = []

        def land_meanwhile(step: str) -> None:
            bring(store, [battle("ann", "bob", source_id=f"during {step}")])
            seen.append(len(seen))

        assert check_store(reading.reader, land_meanwhile).sound
        assert len(seen) > 1
