"""Judges whose battles are counted together: equal to the same battles before one judge."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.ratings.board import Leaderboard, RatingOptions
from engine.ratings.bradley_terry import bradley_terry
from engine.ratings.comparing import compare_two
from engine.ratings.counts import PairCounts
from engine.ratings.leaderboard import leaderboard
from engine.ratings.prompt_battles import PromptBattles
from engine.ratings.stored import ArenaCounts, Coverage, read_counts, read_prompt_battles
from engine.ratings.views import find_view
from engine.records import OnCut, ResponseStatus
from engine.store import Store, open_store
from tests.engine.ratings.stored_log import Fight, Log
from tests.engine.ratings.test_leaderboard import counts_of, fights

JUDGES = ("crowd", "gpt-3", "gpt-4")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.db", writable=True) as opened:
        yield opened


def land(store: Store, by_judge: Mapping[str, list[Fight]], on_cut: OnCut = OnCut.VOID) -> None:
    for judge, some in by_judge.items():
        Log(store, on_cut=on_cut, judge=judge).land(*some)


def three(store: Store) -> dict[str, list[Fight]]:
    said = {judge: fights(100 + 80 * seed, seed) for seed, judge in enumerate(JUDGES)}
    land(store, said)
    return said


def test_pooled_ratings_are_those_of_all_battles_together(store: Store) -> None:
    said = three(store)
    board = leaderboard(store, judges=["all"])
    fit = bradley_terry(counts_of([one for some in said.values() for one in some]))
    assert {row.model: row.rating for row in board.rows} == pytest.approx(
        dict(zip(fit.models, fit.rating, strict=True))
    )
    assert board.battles == sum(map(len, said.values()))
    assert dict(board.coverage.decided_by) == {judge: len(some) for judge, some in said.items()}


@pytest.mark.parametrize(
    ("judges", "meant"),
    [
        (None, ["gpt-4"]),
        ("crowd", ["crowd"]),
        (["crowd"], ["crowd"]),
        (["gpt-4", "crowd"], ["crowd", "gpt-4"]),
        (["gpt-*"], ["gpt-3", "gpt-4"]),
        (["gpt-*", "gpt-4"], ["gpt-3", "gpt-4"]),
        (["all"], list(JUDGES)),
    ],
)
def test_judges_are_mixed_only_where_several_are_asked_for(
    store: Store, judges: str | list[str] | None, meant: list[str]
) -> None:
    said = three(store)
    view = find_view(store.reader, judges=judges)
    assert list(view.judges) == meant
    assert view.judge == " + ".join(meant)
    assert view.pooled is (len(meant) > 1)
    left_out = {judge: len(some) for judge, some in said.items() if judge not in meant}
    assert dict(view.other_judges) == ({} if judges else left_out)


def test_a_judge_that_is_not_there_is_told_with_the_nearest(store: Store) -> None:
    three(store)
    for wrong in ("gtp-4", "GPT-4"):
        with pytest.raises(UsageError, match=rf"(?s)there is no judge '{wrong}'.*Did you mean 'gpt-4'"):
            find_view(store.reader, judges=["crowd", wrong])
    with pytest.raises(UsageError, match="there is no judge 'claude"):
        find_view(store.reader, judges=["claude*"])
    for several in ("all", "gpt-*"):  # one name, and no list
        with pytest.raises(UsageError, match="there is no judge"):
            find_view(store.reader, judges=several)


def test_a_judge_that_is_called_all_is_meant_by_its_name(store: Store) -> None:
    land(store, {"all": fights(10), "crowd": fights(10, 1)})
    assert list(find_view(store.reader, judges=["all"]).judges) == ["all"]
    assert list(find_view(store.reader, judges=["*"]).judges) == ["all", "crowd"]


def test_it_is_told_how_many_prompts_several_judges_share(store: Store) -> None:
    def some(prompts: range) -> list[Fight]:
        return [Fight("ann", "ben", (9, 1), prompt) for prompt in prompts]

    land(store, {"crowd": some(range(6)), "gpt-3": some(range(4, 9)), "gpt-4": some(range(8, 10))})
    shared = leaderboard(store, judges=["all"]).coverage
    assert (shared.prompts, shared.shared_prompts) == (10, 3)
    alone = leaderboard(store, judges="crowd").coverage
    assert (alone.prompts, alone.shared_prompts) == (None, None)


def test_models_that_not_all_judges_have_seen_are_counted(store: Store) -> None:
    land(
        store,
        {
            "crowd": [Fight("ann", "ben"), Fight("ben", "cid")],
            "gpt-4": [Fight("ann", "ben"), Fight("dot", "ben")],
        },
    )
    assert leaderboard(store, judges=["all"]).coverage.judged_by_some == 2
    assert leaderboard(store, judges="crowd").coverage.judged_by_some is None


def intervals(board: Leaderboard) -> dict[str, tuple[float | None, ...]]:
    return {row.model: (row.rating, row.rating_lower, row.rating_upper) for row in board.rows}


def test_a_judge_that_repeats_another_adds_no_certainty(store: Store) -> None:
    land(store, {"crowd": fights(300), "parrot": fights(300)})
    alone = leaderboard(store, judges="crowd", options=RatingOptions(over="prompts"))
    both = leaderboard(store, judges=["all"])
    assert both.options.over == "prompts"
    for model, expected in intervals(alone).items():
        assert intervals(both)[model] == pytest.approx(expected)
    # Drawn battle by battle the copies look like new evidence, and the intervals like those of twice as many battles.
    taken_apart = leaderboard(store, judges=["all"], options=RatingOptions(over="battles"))
    alone = leaderboard(store, judges="crowd", options=RatingOptions(over="battles"))
    assert sum(width(taken_apart)) < 0.85 * sum(width(alone))


def width(board: Leaderboard) -> list[float]:
    return [
        row.rating_upper - row.rating_lower
        for row in board.rows
        if row.rating_lower is not None and row.rating_upper is not None
    ]


def test_several_judges_have_no_ratings_in_battle_order_and_it_is_said(store: Store) -> None:
    three(store)
    for model in leaderboard(store, judges="crowd").rows:
        assert model.elo_online is not None
    facts = leaderboard(store, judges=["all"]).facts()
    assert facts["online"] == {}
    assert "order" in facts["online_reason"]
    assert facts["judge"] == "crowd + gpt-3 + gpt-4"
    assert facts["judges"] == list(JUDGES)
    for row in facts["models"]:
        assert (row["elo_online"], row["trueskill_mu"], row["trueskill_sigma"]) == (None, None, None)
    assert store.reader.execute("SELECT COUNT(DISTINCT judge_id) FROM online_folds").fetchone() == (1,)


def test_models_are_compared_on_what_all_judges_say(store: Store) -> None:
    land(store, {"crowd": fights(200), "gpt-4": [*fights(200, 1), Fight("ann", "dot", (9, 1), 7, "z")]})
    view = find_view(store.reader, judges=["all"])
    alone = [compare_two(store, "ann", "dot", find_view(store.reader, judges=one)) for one in view.judges]
    both = compare_two(store, "ann", "dot", view)
    assert [row.category for row in both.rows] == ["all", "x", "y", "z"]
    assert both.rows[0].met == sum(one.rows[0].met for one in alone)
    assert both.facts()["judges"] == ["crowd", "gpt-4"]


fights_of_all_sorts = st.lists(
    st.builds(
        Fight,
        st.sampled_from("abc"),
        st.sampled_from("abc"),
        st.tuples(st.integers(1, 10), st.integers(1, 10)),
        st.integers(0, 5),
        st.sampled_from([None, "x"]),
        status_a=st.sampled_from(ResponseStatus),
        status_b=st.sampled_from(ResponseStatus),
    ),
    max_size=15,
)


@settings(max_examples=25, deadline=None)
@given(first=fights_of_all_sorts, second=fights_of_all_sorts, on_cut=st.sampled_from(OnCut))
def test_pooled_counts_are_those_of_one_judge_who_said_it_all(
    tmp_path_factory: pytest.TempPathFactory, first: list[Fight], second: list[Fight], on_cut: OnCut
) -> None:
    with open_store(tmp_path_factory.mktemp("s") / "a.db", writable=True) as store:
        land(store, {"one": first, "two": second}, on_cut)
        together = Log(store, "together", on_cut=on_cut, judge="both")
        together.land(*first, *second)
        if not first or not second:
            return
        for category in (None, "x"):
            if category and not {one.category for one in first} & {one.category for one in second} & {"x"}:
                continue
            pooled = find_view(store.reader, "log", ["all"], category)
            alone = find_view(store.reader, "together", "both", category)
            assert same(read_counts(store.reader, pooled)) == same(read_counts(store.reader, alone))
            battles = [read_prompt_battles(store.reader, view, "abc") for view in (pooled, alone)]
            assert battles[0].n_prompts == battles[1].n_prompts
            assert columns(battles[0]) == columns(battles[1])


def columns(battles: PromptBattles) -> list[list[float]]:
    cells = battles.cells
    found = (cells.a, cells.b, cells.group, cells.wins, cells.losses, cells.ties, cells.win_share)
    return [column.tolist() for column in found]


def same(counts: ArenaCounts) -> tuple[object, ...]:
    """What of the counts does not hang on the order of models or the names of judges."""
    coverage: Coverage = counts.coverage
    return (
        in_order(counts.pairs),
        counts.pairs.self_battles,
        in_order(counts.if_void or counts.pairs),
        in_order(counts.if_loss or counts.pairs),
        (coverage.decided, coverage.waiting, coverage.void, json.dumps(coverage.waiting_for, sort_keys=True)),
        {model: dict(by_status) for model, by_status in counts.unusual.items()},
    )


def in_order(counts: PairCounts) -> PairCounts:
    return counts.among("abc")
