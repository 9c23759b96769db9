"""The pocket arena from the answers that ship: what a weak target has to learn from three others. No torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.store import open_store
from tests.cli.commanding import command


@pytest.fixture(scope="module")
def pocket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("pocket") / "arena.db"
    assert command("--batch", "pocket", store=store).code == 0
    return store


def test_what_each_threshold_keeps(pocket: Path) -> None:
    """A row for every prompt that moth lost to the best; counted here from the battles by another road."""
    shown = command("select", "--target", "moth", "--dry-run", "--json", store=pocket).json
    with open_store(pocket) as opened:
        expected = _kept_by_sql(opened.reader)
    assert {one["min_gap"]: one["rows"] for one in shown["thresholds"]} == expected
    assert shown["considered"] == 320
    assert shown["rows"] + sum(shown["reasons"].values()) == 320
    assert command("select", "list", "--json", store=pocket).json == []


def _kept_by_sql(connection: object) -> dict[float, int]:
    """Each response's mean over its games, the best by it and then by key, and the margin of moth's battle with it."""
    query = """
        WITH side AS (
            SELECT b.id, b.prompt_id, r.id AS response, r.key, r.player_id,
                CASE WHEN v.response_first = r.id THEN json_extract(v.value, '$[0]')
                    ELSE json_extract(v.value, '$[1]') END AS score
            FROM battles b JOIN games g ON g.battle_id = b.id JOIN verdicts v ON v.id = g.verdict_id
            JOIN responses r ON r.id IN (b.response_a, b.response_b)
        ), ranked AS (
            SELECT prompt_id, response, player_id, ROW_NUMBER() OVER (
                PARTITION BY prompt_id ORDER BY ROUND(AVG(score), 9) DESC, key) AS place
            FROM side GROUP BY prompt_id, response
        ), lost AS (
            SELECT CASE WHEN pa.name = 'moth' THEN -b.margin ELSE b.margin END AS gap
            FROM battles b JOIN players pa ON pa.id = b.player_a JOIN players pb ON pb.id = b.player_b
            JOIN ranked k ON k.prompt_id = b.prompt_id AND k.place = 1 AND k.response IN (b.response_a, b.response_b)
            JOIN players best ON best.id = k.player_id
            WHERE 'moth' IN (pa.name, pb.name) AND best.name != 'moth'
        )
        SELECT COUNT(*) FROM lost WHERE gap > 0 AND gap >= ?
    """
    return {float(k): connection.execute(query, (k,)).fetchone()[0] for k in range(6)}  # type: ignore[attr-defined]


def test_select_show_and_export(pocket: Path, tmp_path: Path) -> None:
    made = command("select", "--target", "moth", "--min-gap", "3", "--json", store=pocket).json
    number = made["selection"]
    shown = command("select", "show", str(number), "--limit", "999", "--json", store=pocket).json
    assert len(shown["training_rows"]) == shown["rows"] == made["rows"]
    assert command("select", "--target", "moth", "--min-gap", "3", "--json", store=pocket).json == {
        **made,
        "new": False,
    }
    out = tmp_path / "sft.jsonl"
    assert command("select", "export", str(number), "--out", out, store=pocket).code == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == made["rows"]
    for row, facts in list(zip(rows, shown["training_rows"], strict=True))[:20]:
        battle = command("verdicts", "show", str(facts["battles"][0]), "--json", store=pocket).json
        best = battle["a"] if battle["outcome"] == "a" else battle["b"]
        assert (best["player"], best["response_key"]) == (facts["chosen"], facts["chosen_key"])
        said = [one["content"] for one in row["completion"] if one["role"] == "assistant"]
        assert said == [turn["answer"] for turn in best["turns"]]
    assert command("select", "export", str(number), "--out", out, store=pocket).code == 2


def test_the_test_set_itself_never_trains(pocket: Path) -> None:
    shown = command(
        "select", "--target", "moth", "--held-out", "pocket:test", "--dry-run", "--json", store=pocket
    ).json
    assert (shown["rows"], shown["reasons"]) == (0, {"held-out": 320})
