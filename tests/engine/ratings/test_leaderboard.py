"""Tables read from a store: equal to what the pure functions give on the same battles."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.jobs import jobs
from engine.ratings.board import Over, RatingOptions
from engine.ratings.bradley_terry import bradley_terry
from engine.ratings.comparing import compare_baseline, compare_two
from engine.ratings.counts import PairCounts
from engine.ratings.elo import EloState
from engine.ratings.folding import START, fold_on
from engine.ratings.leaderboard import leaderboard
from engine.ratings.online import Battle
from engine.ratings.planned import PlannedRatings, planned_ratings
from engine.ratings.scale import Anchor
from engine.ratings.skill import SkillState
from engine.ratings.stored import ArenaCounts, read_counts, read_prompt_battles
from engine.ratings.views import View, find_view
from engine.records import OnCut, ResponseStatus
from engine.store import Store, open_store
from engine.store.battles import read_arenas
from engine.store.contestants import alias_player
from engine.store.counts import differences
from tests.engine.ratings.stored_log import Fight, Log

STRENGTH = {"ann": 3, "ben": 2, "cid": 1, "dot": 0}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.db", writable=True) as opened:
        yield opened


def fights(n: int, seed: int = 0) -> list[Fight]:
    """Battles of four models with noise, over 60 prompts in two categories."""
    draw = random.Random(seed)
    made = []
    for i in range(n):
        a, b = draw.sample(sorted(STRENGTH), 2)
        scores = tuple(min(10, max(1, round(5 + STRENGTH[x] + draw.gauss(0, 2)))) for x in (a, b))
        made.append(Fight(a, b, (scores[0], scores[1]), i % 60, "xy"[i % 2], position=i))
    return made


def outcome(one: Fight) -> str:
    first, second = one.scores
    return "a" if first > second else "b" if second > first else "tie"


def counts_of(some: list[Fight]) -> PairCounts:
    return PairCounts.from_battles([f.a for f in some], [f.b for f in some], [outcome(f) for f in some])


def test_ratings_are_those_of_the_battles(store: Store) -> None:
    some = fights(400)
    Log(store).land(*some)
    fit = bradley_terry(counts_of(some), Anchor("cid", 1000.0))
    board = leaderboard(store, options=RatingOptions(Anchor("cid", 1000.0)))
    assert board.battles == 400
    assert {row.model: row.rating for row in board.rows} == pytest.approx(
        dict(zip(fit.models, fit.rating, strict=True))
    )
    assert [row.model for row in board.rows] == ["ann", "ben", "cid", "dot"]
    assert board.row("cid").rating_lower == board.row("cid").rating_upper == 1000.0
    assert board.tied_by.startswith("paired difference")


def test_a_category_is_rated_by_its_own_battles(store: Store) -> None:
    some = fights(400)
    Log(store).land(*some)
    fit = bradley_terry(counts_of([one for one in some if one.category == "y"]))
    board = leaderboard(store, category="y")
    assert board.facts()["category"] == "y"
    assert {row.model: row.rating for row in board.rows} == pytest.approx(
        dict(zip(fit.models, fit.rating, strict=True))
    )


def test_counts_and_battles_tell_the_same(store: Store) -> None:
    Log(store).land(*fights(300))
    view = find_view(store.reader, None, None, None)
    kept, read = read_counts(store.reader, view).pairs, read_prompt_battles(store.reader, view).counts()
    assert kept.among(sorted(kept.models)) == read.among(sorted(read.models))


def test_an_alias_is_rated_under_its_model_and_can_be_taken_back(store: Store) -> None:
    some = fights(200)
    Log(store).land(*some)
    before = leaderboard(store).facts()["models"]
    with store.write() as tx:
        alias_player(tx, "dot", "cid")
    board = leaderboard(store)
    assert {row.model for row in board.rows} == {"ann", "ben", "cid"}
    own = sum({one.a, one.b} == {"cid", "dot"} for one in some)
    assert board.battles == 200 - own
    merged = counts_of(some).renamed({"dot": "cid"})
    fit = bradley_terry(merged)
    assert {row.model: row.rating for row in board.rows} == pytest.approx(
        dict(zip(fit.models, fit.rating, strict=True))
    )
    with store.write() as tx:
        alias_player(tx, "dot", "dot")
    assert leaderboard(store).facts()["models"] == before


@pytest.mark.parametrize(("kind", "start"), [("elo", EloState()), ("trueskill", SkillState())])
def test_a_late_arrival_takes_its_place_in_the_order(
    store: Store, kind: str, start: EloState | SkillState
) -> None:
    some = fights(120)
    log = Log(store)
    log.land(*some[:50], *some[60:])
    view = find_view(store.reader, None, None, None)
    fold_on(store, view, kind, 0)
    log.land(*some[50:60])  # their place is before most of what was folded
    folded = fold_on(store, view, kind, 120)
    assert folded.folded == 120
    assert folded.state == start.folded([(one.a, one.b, outcome(one)) for one in some])


def test_a_battle_that_lands_among_those_being_folded_is_not_left_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = fights(8)
    log = Log(store)
    log.land(*some[:3], *some[4:])
    view = find_view(store.reader, None, None, None)
    late = [some[3]]

    class Overtaken(EloState):
        """Somebody lands a battle while the first ones, a whole step of them, are folded."""

        def folded(self, battles: Iterable[Battle]) -> EloState:
            while late:
                log.land(late.pop())
            return EloState.folded(self, battles)

    monkeypatch.setattr("engine.ratings.folding.STEP", 7)
    monkeypatch.setitem(START, "elo", Overtaken())
    fold_on(store, view, "elo", 8)
    monkeypatch.undo()
    expected = EloState().folded([(one.a, one.b, outcome(one)) for one in some])
    assert fold_on(store, view, "elo", 8).state == expected


def test_battles_with_a_time_are_folded_by_it(store: Store) -> None:
    some = [Fight(f.a, f.b, f.scores, f.prompt, at=1000.0 - i, position=i) for i, f in enumerate(fights(40))]
    Log(store).land(*some)
    view = find_view(store.reader, None, None, None)
    expected = EloState().folded([(one.a, one.b, outcome(one)) for one in reversed(some)])
    assert fold_on(store, view, "elo", 40).state == expected


def test_folding_goes_on_from_what_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.ratings.folding.STEP", 7)
    some = fights(50)
    log = Log(store)
    log.land(*some[:30])
    view = find_view(store.reader, None, None, None)
    assert fold_on(store, view, "elo", 30, seconds=0).folded == 7
    assert fold_on(store, view, "elo", 30).folded == 30
    log.land(*some[30:])
    assert fold_on(store, view, "elo", 50).state == EloState().folded([(f.a, f.b, outcome(f)) for f in some])


@pytest.mark.parametrize("on_cut", list(OnCut))
def test_a_rank_that_depends_on_cut_responses_is_named(store: Store, on_cut: OnCut) -> None:
    # eve wins when it finishes, but rambles into its limit most of the time.
    cut = [Fight("eve", "ann", (9, 2), i, status_a=ResponseStatus.CUT) for i in range(60)]
    whole = [Fight("eve", "ann", (9, 2) if i % 4 else (2, 9), 100 + i) for i in range(40)]
    Log(store, on_cut=on_cut).land(*cut, *whole)
    board = leaderboard(store)
    assert dict(board.row("eve").unusual) == {"cut": 60}
    assert board.row("eve").sides == 100
    assert {one.model: (one.rank_void, one.rank_loss) for one in board.cut_dependence} == {
        "eve": (1, 2),
        "ann": (2, 1),
    }
    assert board.battles == (40 if on_cut is OnCut.VOID else 100)


fights_of_all_sorts = st.lists(
    st.builds(
        Fight,
        st.sampled_from("abc"),
        st.sampled_from("abc"),
        st.tuples(st.integers(1, 10), st.integers(1, 10)),
        st.integers(0, 5),
        st.sampled_from([None, "", "x"]),
        status_a=st.sampled_from(ResponseStatus),
        status_b=st.sampled_from(ResponseStatus),
    ),
    max_size=30,
)


@settings(max_examples=15, deadline=None)
@example([Fight("a", "b", status_a=ResponseStatus.CUT, status_b=ResponseStatus.FAILED)])
@example([Fight("a", "b", status_a=ResponseStatus.CUT, status_b=ResponseStatus.EMPTY)])
@given(some=fights_of_all_sorts)
def test_each_treatment_of_cut_responses_is_what_an_arena_of_that_rule_has(
    tmp_path_factory: pytest.TempPathFactory, some: list[Fight]
) -> None:
    with open_store(tmp_path_factory.mktemp("s") / "a.db", writable=True) as store:
        for on_cut in OnCut:
            Log(store, on_cut.value, on_cut=on_cut).land(*some)
        found = {on_cut: _counts(store, on_cut.value) for on_cut in OnCut}
        as_void, as_loss = (_rated(found[rule].pairs) for rule in (OnCut.VOID, OnCut.LOSS))
        for counts in found.values():
            if counts.if_void is None or counts.if_loss is None:
                assert as_void == as_loss == _rated(counts.pairs)
            else:
                assert (_rated(counts.if_void), _rated(counts.if_loss)) == (as_void, as_loss)


def _counts(store: Store, arena: str) -> ArenaCounts:
    (found,) = (one for one in read_arenas(store.reader) if one.name == arena)
    return read_counts(store.reader, View(found, {"judge": 1}))


def _rated(counts: PairCounts) -> PairCounts:
    """In one order of names; a model without a battle is not there."""
    return counts.among("abc")


@pytest.mark.parametrize("over", ["battles", "prompts"])
def test_a_model_whose_battles_all_wait_is_in_the_table_with_its_reason(store: Store, over: Over) -> None:
    waiting = [Fight("eve", "ann", (9, 1), i, status_a=ResponseStatus.FAILED) for i in range(3)]
    Log(store).land(*fights(100), *waiting)
    board = leaderboard(store, options=RatingOptions(over=over))
    eve = board.row("eve")
    assert (eve.rating, eve.battles, eve.sides) == (None, 0, 3)
    assert eve.reason
    assert (board.coverage.waiting, board.coverage.total) == (3, 103)
    assert json.loads(json.dumps(board.facts(), allow_nan=False))["models"][-1]["model"] == "eve"


def test_an_empty_category_counts_with_all_and_is_none_of_its_own(store: Store) -> None:
    Log(store).land(Fight("ann", "ben", (9, 1), 0, ""), Fight("ann", "ben", (9, 1), 1, "x"))
    board = leaderboard(store)
    assert (board.battles, board.row("ann").wins) == (2, 2)
    assert differences(store.reader, 1) == []
    assert [row.category for row in compare_two(store, "ann", "ben", board.view).rows] == ["all", "x"]


def test_a_category_that_is_called_all_does_not_stand_twice(store: Store) -> None:
    Log(store).land(*[replace(one, category="all") for one in fights(40)])
    view = find_view(store.reader, None, None, "all")
    assert view.category is None
    assert [row.category for row in compare_two(store, "ann", "ben", view).rows] == ["all"]


def test_names_that_are_not_there_are_told_with_the_nearest(store: Store) -> None:
    Log(store).land(*fights(20))
    for kind, said in (
        ("arena", {"arena": "lag"}),
        ("judge", {"judges": "juge"}),
        ("category", {"category": "z"}),
    ):
        with pytest.raises(UsageError, match=f"there is no {kind}"):
            leaderboard(store, **said)
    with pytest.raises(UsageError, match="no arena yet"):
        leaderboard(open_store(store.path.with_name("b.db"), writable=True))


def test_two_models_are_compared_on_the_prompts_that_both_have(store: Store) -> None:
    some = [one for one in fights(600) if {one.a, one.b} != {"ann", "cid"} or one.prompt < 30]
    Log(store).land(*some)
    view = find_view(store.reader, None, None, None)
    found = compare_two(store, "ann", "dot", view, n_resamples=200)
    assert [row.category for row in found.rows] == ["all", "x", "y"]
    row = found.rows[0]
    assert row.difference is not None
    assert row.lower is not None
    assert row.upper is not None
    assert 0 < row.lower < row.difference < row.upper
    met = [one for one in some if {one.a, one.b} == {"ann", "dot"}]
    won = sum(outcome(one) == ("a" if one.a == "ann" else "b") for one in met)
    ties = sum(outcome(one) == "tie" for one in met)
    assert row.met == len(met)
    assert row.win_rate == pytest.approx((won + ties / 2) / len(met))
    mirrored = compare_two(store, "dot", "ann", view, n_resamples=200).rows[0]
    assert mirrored.difference == pytest.approx(-row.difference)
    assert (mirrored.lower, mirrored.upper) == pytest.approx((-row.upper, -row.lower))


def test_a_baseline_takes_patterns_and_its_intervals_are_wider(store: Store) -> None:
    Log(store).land(*fights(600))
    view = find_view(store.reader, None, None, None)
    together = compare_baseline(store, ["a*", "b*", "cid"], "dot", view, n_resamples=300)
    assert [row.model for row in together.rows] == ["ann", "ben", "cid"]
    alone = compare_two(store, "ann", "dot", view, n_resamples=300).rows[0]
    first = together.rows[0]
    assert first.lower is not None
    assert first.upper is not None
    assert alone.lower is not None
    assert alone.upper is not None
    assert first.upper - first.lower > alone.upper - alone.lower
    with pytest.raises(UsageError):
        compare_baseline(store, ["zoe*"], "dot", view)


def test_easier_prompts_of_its_own_do_not_lift_a_model_above_a_baseline(store: Store) -> None:
    """On 100 common prompts ann and ben both beat dot on every other one; ann beats dot on 200 of its own, too.

    So on common prompts their ratings are equal, and the difference is 0 whatever the resample.
    """
    common = [
        Fight(name, "dot", (9, 1) if prompt % 2 else (1, 9), prompt)
        for prompt in range(100)
        for name in ("ann", "ben")
    ]
    own = [Fight("ann", "dot", (9, 1), prompt) for prompt in range(100, 300)]
    Log(store).land(*common, *own)
    view = find_view(store.reader, None, None, None)
    row = compare_baseline(store, ["ann"], "ben", view).rows[0]
    assert row.prompts == 100
    assert (row.difference, row.lower, row.upper) == pytest.approx((0, 0, 0), abs=1e-3)


def test_each_model_is_held_against_the_baseline_on_its_own_common_prompts(store: Store) -> None:
    """ben beats dot on 3 of 4 of prompts 0..79; ann met dot on 0..39 alone and beat it on half of them.

    A pair that met nobody else differs by 400 log10(wins / losses); a prompt that a draw lacks takes nothing away.
    """
    some = [Fight("ben", "dot", (9, 1) if prompt % 4 else (1, 9), prompt) for prompt in range(80)]
    some += [Fight("ann", "dot", (9, 1) if prompt % 2 else (1, 9), prompt) for prompt in range(40)]
    Log(store).land(*some)
    view = find_view(store.reader, None, None, None)
    rows = {row.model: row for row in compare_baseline(store, ["ann", "ben"], "dot", view).rows}
    assert {name: row.prompts for name, row in rows.items()} == {"ann": 40, "ben": 80}
    assert rows["ann"].difference == pytest.approx(0, abs=1e-3)
    assert rows["ben"].difference == pytest.approx(400 * math.log10(3), abs=1e-3)
    for name, share in (("ann", 1 / 2), ("ben", 3 / 4)):
        row = rows[name]
        error = 400 / math.log(10) / math.sqrt(row.prompts * share * (1 - share))
        assert row.lower is not None
        assert row.upper is not None
        # Of two differences that are nearly independent: between 1.96 and the Bonferroni bound of 2.24.
        assert 1.96 * 0.9 < (row.upper - row.lower) / 2 / error < 2.24 * 1.15


def test_the_win_rate_of_a_comparison_is_that_of_the_matrix_and_the_table(store: Store) -> None:
    """Preferences for ben of 0.1, 0.2, 0.9 and 0.5: ann wins two, loses one, ties one; its mean share is 0.575."""
    Log(store).land(
        *(Fight("ann", "ben", prompt=i, preference=p) for i, p in enumerate((0.1, 0.2, 0.9, 0.5)))
    )
    view = find_view(store.reader, None, None, None)
    two = compare_two(store, "ann", "ben", view).rows[0]
    many = compare_baseline(store, ["ben"], "ann", view).rows[0]
    assert (two.win_rate, two.met) == (0.625, 4)
    assert (many.win_rate, many.met) == (0.375, 4)
    assert leaderboard(store).row("ann").win_rate == two.win_rate
    assert leaderboard(store).row("ann").win_share == pytest.approx(0.575)


def test_openskill_stands_in_for_trueskill(store: Store) -> None:
    some = fights(80)
    Log(store).land(*some)
    board = leaderboard(store, options=RatingOptions(skill="openskill"))
    expected = SkillState(library="openskill").folded([(one.a, one.b, outcome(one)) for one in some]).skills
    shown = {row.model: (row.trueskill_mu, row.trueskill_sigma) for row in board.rows}
    assert shown == dict(expected)
    assert set(board.online) == {"elo", "openskill"}


def test_the_newest_plan_of_an_arena_says_how_it_is_rated(store: Store) -> None:
    Log(store).land(*fights(40))
    view = find_view(store.reader, None, None, None)
    assert planned_ratings(store.reader, view) == PlannedRatings()
    plans = [
        "[run]\narena = 'log'\n[ratings]\nanchor = 'ann'\nn_resamples = 7",
        "[run]\narena = 'log'\n[ratings]\nover = 'prompts'\n[ratings.anchor]\nmodel = 'ben'\nrating = 1100",
        "[run]\narena = 'another'\n[ratings]\nn_resamples = 9",
    ]
    for number, plan in enumerate(plans):
        with store.write() as tx:
            jobs.submit(tx, str(number), "run", plan)
    assert planned_ratings(store.reader, view) == PlannedRatings(Anchor("ben", 1100.0), None, "prompts")
    unseen = find_view(store.reader, None, None, "x")
    assert planned_ratings(store.reader, unseen).anchor == Anchor("ben", 1100.0)
