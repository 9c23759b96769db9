"""What holds of every selection, whatever was fought."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.flywheel.selection.choosing import Selection, choose
from engine.flywheel.selection.groups import Group
from engine.flywheel.selection.parameters import Pairs, Parameters, Stage
from engine.flywheel.selection.pool import Pool, Usable
from engine.flywheel.selection.reasons import Reason
from engine.flywheel.selection.rules import Candidate, offer
from engine.ratings.views import View
from engine.records import OnCut, OutcomeRule
from engine.store.battles import Arena
from engine.store.groups import BattleRow
from tests.engine.flywheel.fighting import ME, fight, group, side, turned

SCORES = st.tuples(st.integers(1, 10), st.integers(1, 10))
VIEW = View(Arena(1, "ring", OutcomeRule.MEAN_MARGIN, OnCut.JUDGE), {"umpire": 1})


@st.composite
def battles(draw: st.DrawFn) -> list[BattleRow]:
    """Some of the battles of four players with two samples each, in either orientation."""
    sides = [side(player, sample) for player in range(4) for sample in range(2)]
    pairs = [(a, b) for a in sides for b in sides if a.player_id < b.player_id]
    met = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=8))
    made = []
    for number, (a, b) in enumerate(met, start=1):
        one = fight(number, a, b, draw(st.lists(SCORES, min_size=1, max_size=2)))
        made.append(turned(one) if draw(st.booleans()) else one)
    return made


PARAMETERS = st.builds(
    lambda stage, pairs: Parameters("me", stage, pairs=pairs), st.sampled_from(Stage), st.sampled_from(Pairs)
)


@given(battles(), PARAMETERS, st.booleans())
def test_swapping_a_and_b_of_all_battles_changes_nothing(
    fought: list[BattleRow], parameters: Parameters, needs_gap: bool
) -> None:
    swapped = [turned(one) for one in fought]
    found = offer(group(*fought), ME, parameters, needs_gap=needs_gap)
    assert offer(group(*swapped), ME, parameters, needs_gap=needs_gap) == found


@given(battles(), PARAMETERS)
def test_an_offer_keeps_to_its_rule(fought: list[BattleRow], parameters: Parameters) -> None:
    made = group(*fought)
    found = offer(made, ME, parameters, needs_gap=True)
    if not isinstance(found, Candidate):
        return
    assert found.gap is not None
    assert found.gap > 0
    assert found.chosen == made.ranking[0]
    assert found.other is not None
    assert found.other.key != found.chosen.key
    assert set(found.battles) <= {one.id for one in fought}
    if parameters.stage is Stage.SFT or parameters.pairs is Pairs.TARGET_LOST:
        assert found.chosen.player_id != ME
        assert found.other.player_id == ME
    if parameters.stage is not Stage.SFT and parameters.pairs is Pairs.GROUP:
        assert found.other == made.ranking[-1]
    if parameters.stage is not Stage.SFT and parameters.pairs is Pairs.OWN_WORST:
        assert found.other.mean == min(one.mean for one in made.of(ME))


def pool_of(
    groups: list[Group], categories: list[str | None], texts: list[int], parameters: Parameters
) -> Pool:
    """A pool of what groups offer, prompt by prompt, each with a category and a text."""
    usable, excluded = [], {}
    for number, (one, category, text) in enumerate(zip(groups, categories, texts, strict=True)):
        found = offer(
            replace(one, prompt_id=number, prompt_key=f"p:{number}"), ME, parameters, needs_gap=True
        )
        if isinstance(found, Reason):
            excluded[number] = found.value
        else:
            usable.append(Usable(found, category, None, 1, 1, (bytes([text]),)))
    return Pool(VIEW, parameters, ME, {}, tuple(usable), excluded)


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    parameters = Parameters(
        "me",
        draw(st.sampled_from(Stage)),
        max_per_category=draw(st.none() | st.integers(1, 3)),
        max_per_opponent=draw(st.none() | st.integers(1, 3)),
        rows=draw(st.none() | st.integers(1, 6)),
    )
    fought = draw(st.lists(battles(), max_size=12))
    n = len(fought)
    categories = draw(st.lists(st.sampled_from([None, "math", "writing"]), min_size=n, max_size=n))
    texts = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    return pool_of([group(*one) for one in fought], categories, texts, parameters)


def prompts(selection: Selection) -> set[int]:
    return {one.candidate.prompt_id for one in selection.rows}


@given(pools(), st.floats(0, 5), st.floats(0, 5))
def test_raising_the_threshold_never_adds_a_row(pool: Pool, one: float, other: float) -> None:
    low, high = sorted((one, other))
    at = {k: choose(pool, replace(pool.parameters, min_gap=k)) for k in (low, high)}
    assert prompts(at[high]) <= prompts(at[low])
    assert all((row.candidate.gap or 0) >= high for row in at[high].rows)


@given(pools(), st.floats(0, 5))
def test_caps_are_never_exceeded_and_every_prompt_is_a_row_or_has_a_reason(pool: Pool, k: float) -> None:
    asked = replace(pool.parameters, min_gap=k)
    selection = choose(pool, asked)
    categories: Counter[Any] = Counter(one.category for one in selection.rows)
    opponents: Counter[Any] = Counter(one.candidate.opponent for one in selection.rows)
    assert max(categories.values(), default=0) <= (asked.max_per_category or 99)
    assert max(opponents.values(), default=0) <= (asked.max_per_opponent or 99)
    assert len(selection.rows) <= (asked.rows or 99)
    assert len({one.digest for one in selection.rows}) == len(selection.rows)
    assert not prompts(selection) & selection.excluded.keys()
    assert len(selection.rows) + sum(selection.reasons.values()) == pool.considered


@given(pools(), st.sampled_from(["battles", "all", "random", "cluster", "longest"]), st.randoms())
def test_the_order_in_which_prompts_come_makes_no_difference(pool: Pool, strategy: str, random: Any) -> None:
    asked = replace(pool.parameters, strategy=strategy, seed=7)
    mixed = list(pool.usable)
    random.shuffle(mixed)
    assert choose(replace(pool, usable=tuple(mixed)), asked).rows == choose(pool, asked).rows
