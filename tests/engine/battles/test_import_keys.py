"""Keys of imported rows: the short way gives what the recipe gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine import keys
from engine.battles.import_keys import Met, battle_key, response_key, single_key, verdict_key

HEX = st.text("0123456789abcdef", min_size=32, max_size=32)
TEXT = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ['"', "\\", "\0", "\ud800", "</script>", "\u2028"]
)
TURNS = st.none() | st.integers(1, 9)


@given(HEX, HEX, HEX, HEX, TURNS, TEXT, st.booleans())
def test_keys_of_battles_and_verdicts(
    judge: str, prompt: str, a: str, b: str, turn: int | None, source: str, swapped: bool
) -> None:
    j, p, players = f"j1:{judge}", f"p1:{prompt}", [f"a1:{a}", f"a1:{b}"]
    facts = {"prompt": p, "turn": turn, "source": source}
    both = facts | {"players": players}
    assert battle_key(j, p, *players, turn, source) == keys.recorded_battle_key(j, both)
    game = both | {"game": int(swapped)}
    assert verdict_key(j, p, *players, turn, source, swapped) == keys.recorded_verdict_key(j, game)
    one = facts | {"players": players[:1]}
    assert single_key(j, p, players[0], turn, source) == keys.recorded_verdict_key(j, one)


@given(HEX, HEX, st.lists(TEXT, max_size=3))
def test_keys_of_responses(player: str, prompt: str, turns: list[str]) -> None:
    expected = keys.imported_response_key(f"a1:{player}", f"p1:{prompt}", turns)
    assert response_key(f"a1:{player}", f"p1:{prompt}", turns) == expected


@given(st.lists(st.tuples(st.sampled_from(["b1:" + c * 32 for c in "abc"]), st.integers(1, 2)), max_size=30))
def test_what_is_met_again_is_counted(met: list[tuple[str, int]]) -> None:
    counter = Met()
    assert [counter.count(*one) for one in met] == [met[:n].count(one) for n, one in enumerate(met)]
