"""Bootstrap intervals against those of another program, and what a resample without a finite fit does to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from engine.errors import UsageError
from engine.ratings.bootstrap import BootstrapIntervals, bootstrap, bootstrap_prompts
from engine.ratings.bradley_terry import bradley_terry
from engine.ratings.counts import PairCounts
from engine.ratings.identifiability import Reason
from engine.ratings.multinomial import CountResampler
from engine.ratings.prompt_battles import PromptBattles
from engine.ratings.scale import Anchor
from tests.engine.ratings.conftest import CountsOf, ExpectedOf
from tests.engine.ratings.samples import pair_counts

# Quantiles of 1,000 resamples scatter by 0.08 standard errors (medians by 0.04); the largest of 59 differences of two
# such quantiles stays below this many.
QUANTILE_TO, MEDIAN_TO = 0.75, 0.25


@pytest.mark.parametrize(
    ("log", "anchor"),
    [
        ("llmfao_crowd", "GPT 3.5 Turbo"),
        ("llmfao_gpt3-crowd", "GPT 3.5 Turbo"),
        ("layout_all", "dune"),
        ("layout_anony_only", "dune"),
        ("pandalm", "llama-7b"),
    ],
)
@pytest.mark.parametrize("anchored", [False, True])
def test_quantiles_are_those_of_another_program(
    log: str, anchor: str, anchored: bool, counts_of: CountsOf, expected_of: ExpectedOf
) -> None:
    table = expected_of(log)
    prefix, zero, se = (
        ("boot_anchored", 0, "se_sandwich_anchored") if anchored else ("boot", 1000, "se_sandwich")
    )
    intervals = bootstrap(counts_of(log), Anchor(anchor, 1000) if anchored else None, n_resamples=1000)
    columns = {
        "q025": (intervals.rating_lower, QUANTILE_TO),
        "median": (intervals.rating_median, MEDIAN_TO),
        "q975": (intervals.rating_upper, QUANTILE_TO),
    }
    for name, (values, tolerance) in columns.items():
        for model, value in zip(intervals.models, values, strict=True):
            row = table[model]
            assert value == pytest.approx(row[f"{prefix}_{name}"] + zero, abs=tolerance * row[se] + 1e-6), (
                model
            )


def test_as_many_resamples_lack_a_finite_fit_as_elsewhere(counts_of: CountsOf) -> None:
    """The other program found 173 of 1,000 for GPT-4's verdicts: a share that scatters by 0.012."""
    intervals = bootstrap(counts_of("llmfao_gpt4-crowd"), n_resamples=1000, random_state=7)
    infinite = (~np.isfinite(intervals.samples)).any(axis=1).mean()
    assert infinite == pytest.approx(0.173, abs=0.06)
    assert Reason.RESAMPLES in intervals.reasons


def test_an_upper_bound_that_falls_on_infinity_is_none_and_its_reason_is_told() -> None:
    """x lost one of 40 battles to y, so 36 % of all resamples hold no loss of it."""
    intervals = bootstrap(PairCounts.of("xyz", [0, 1, 0], [1, 2, 2], [39, 20, 1], [1, 20, 0], [0, 0, 0]))
    assert intervals.rating[0] is not None
    assert intervals.rating_lower[0] is not None
    assert intervals.rating_upper[0] is None
    assert intervals.reasons == (Reason.RESAMPLES, None, None)
    assert intervals.without_finite_fit[0] == pytest.approx(36, abs=20)
    assert intervals.without_finite_fit[1:] == (0, 0)
    infinite = np.isinf(intervals.samples[:, 0])
    assert infinite.sum() == intervals.without_finite_fit[0]
    assert (intervals.samples[infinite, 0] > 0).all()


def test_where_x_is_infinite_the_others_keep_their_mean() -> None:
    intervals = bootstrap(PairCounts.of("xyz", [0, 1, 0], [1, 2, 2], [39, 20, 1], [1, 20, 0], [0, 0, 0]))
    x_infinite = np.isinf(intervals.samples[:, 0])
    y, z = (rating for rating in intervals.rating[1:] if rating is not None)
    assert intervals.samples[x_infinite, 1:].mean(axis=1) == pytest.approx((y + z) / 2)
    assert intervals.samples[~x_infinite].mean(axis=1) == pytest.approx(1000)


def test_a_resample_that_says_nothing_of_a_model_widens_both_ways() -> None:
    """x met y in two battles of a thousand, one each: 13 % of all resamples hold neither."""
    intervals = bootstrap(PairCounts.of("xyz", [0, 1], [1, 2], [1, 500], [1, 498], [0, 0]), n_resamples=400)
    silent = np.isnan(intervals.samples[:, 0]).mean()
    assert silent == pytest.approx(np.exp(-2), abs=0.07)
    assert intervals.rating_lower[0] is None
    assert intervals.rating_upper[0] is None
    assert intervals.rating_median[0] == pytest.approx(1000, abs=20)


def test_a_model_without_a_rating_has_no_interval_and_harms_no_other() -> None:
    with_x = PairCounts.of("xyz", [0, 1], [1, 2], [30, 400], [0, 500], [0, 100])
    intervals = bootstrap(with_x, n_resamples=2000)
    alone = bootstrap(with_x.among("yz"), n_resamples=2000)
    assert (intervals.rating_lower[0], intervals.rating_median[0], intervals.rating_upper[0]) == (
        None,
        None,
        None,
    )
    assert intervals.reasons[0] is Reason.NEVER_LOST
    assert intervals.without_finite_fit == (0, 0, 0)
    assert intervals.rating[1:] == alone.rating
    assert intervals.rating_lower[1] == pytest.approx(alone.rating_lower[0], abs=2)
    assert intervals.rating_upper[2] == pytest.approx(alone.rating_upper[1], abs=2)


def test_the_anchor_has_its_rating_in_every_resample(counts_of: CountsOf) -> None:
    intervals = bootstrap(counts_of("layout_all"), Anchor("dune", 1100))
    i = intervals.models.index("dune")
    assert intervals.rating_lower[i] == intervals.rating_upper[i] == 1100


def test_only_ties_give_no_interval() -> None:
    intervals = bootstrap(PairCounts.of("xyz", [0, 1], [1, 2], [0, 0], [0, 0], [5, 5]))
    assert set(intervals.rating_lower) == set(intervals.rating_upper) == {None}
    assert set(intervals.reasons) == {Reason.ONLY_TIES}


def test_nobody_rated() -> None:
    intervals = bootstrap(PairCounts.of("xy", [0], [1], [1], [0], [0]))
    assert intervals.rating == intervals.rating_lower == intervals.rating_median == (None, None)


def direct_samples(counts: PairCounts, n_resamples: int, random_state: int) -> list[tuple[float | None, ...]]:
    """Each resample fitted on its own."""
    resampler = CountResampler(np.append(np.concatenate([counts.wins, counts.losses, counts.ties]), 0))
    rng = np.random.default_rng(random_state)
    drawn = (resampler.draw(rng)[:-1].reshape(3, -1) for _ in range(n_resamples))
    return [bradley_terry(PairCounts.of(counts.models, counts.a, counts.b, *cells)).rating for cells in drawn]


def aligned(samples: np.ndarray) -> np.ndarray:
    """Each row shifted so that its finite part has mean zero."""
    finite = np.isfinite(samples)
    means = np.where(finite, samples, 0).sum(axis=1) / np.maximum(finite.sum(axis=1), 1)
    return samples - means[:, None]


@pytest.mark.parametrize(
    "log", ["llmfao_gpt4-crowd", "llmfao_crowd", "layout_all", "layout_turn_2", "kaggle"]
)
def test_solving_together_equals_solving_each(log: str, counts_of: CountsOf) -> None:
    counts = counts_of(log)
    intervals = bootstrap(counts, n_resamples=60, random_state=3)
    direct = np.array(direct_samples(counts, 60, 3), dtype=float)
    together = np.where(np.isfinite(intervals.samples), intervals.samples, np.nan)
    assert aligned(together) == pytest.approx(aligned(direct), abs=1e-4, nan_ok=True)


@given(pair_counts(most=4))
@settings(max_examples=40, deadline=None)
def test_sparse_battles_solved_together_equal_each(counts: PairCounts) -> None:
    if not bradley_terry(counts).scale.rated.all():
        return
    intervals = bootstrap(counts, n_resamples=40, random_state=3)
    together = np.where(np.isfinite(intervals.samples), intervals.samples, np.nan)
    for row, alone in zip(together, direct_samples(counts, 40, 3), strict=True):
        direct = np.array(alone, dtype=float)
        # Two parts of equal size and battles are rated by which is found first, here and there alike.
        assert aligned(row[None])[0] == pytest.approx(aligned(direct[None])[0], abs=1e-4, nan_ok=True)


def test_a_seed_gives_the_same_again_and_another_does_not(counts_of: CountsOf) -> None:
    counts = counts_of("layout_all")
    first, again, other = (bootstrap(counts, random_state=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.samples, again.samples)
    assert first.rating_lower == again.rating_lower
    assert not np.array_equal(first.samples, other.samples)


def test_more_resamples_begin_with_the_same_ones(counts_of: CountsOf) -> None:
    counts = counts_of("layout_all")
    few, many = (bootstrap(counts, n_resamples=n) for n in (40, 300))
    assert many.samples[:40] == pytest.approx(few.samples, abs=1e-4)


@pytest.mark.parametrize(
    "options",
    [{"n_resamples": 0}, {"n_resamples": 39}, {"confidence_level": 1.0}, {"confidence_level": -0.1}],
)
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        bootstrap(PairCounts.of("xy", [0], [1], [1], [1], [0]), **options)  # type: ignore[arg-type]


def test_many_models_and_battles_are_solved_to_a_ten_thousandth() -> None:
    """120 models, all pairs: the way with tables and shared steps."""
    rng = np.random.default_rng(8)
    a, b = np.triu_indices(120, 1)
    skill = rng.normal(size=120)
    wins = rng.binomial(12, 1 / (1 + np.exp(skill[b] - skill[a])))
    counts = PairCounts.of([str(i) for i in range(120)], a, b, wins, 12 - wins, rng.integers(0, 3, a.size))
    intervals = bootstrap(counts, n_resamples=40)
    assert intervals.samples == pytest.approx(np.array(direct_samples(counts, 40, 0), dtype=float), abs=1e-4)


def one_battle_prompts(counts: PairCounts) -> PromptBattles:
    """Every battle on a prompt of its own."""
    cells = np.repeat(np.arange(3 * counts.a.size), np.concatenate([counts.wins, counts.losses, counts.ties]))
    pair, outcome = cells % counts.a.size, cells // counts.a.size
    columns = [(outcome == wanted).astype(int) for wanted in range(3)]
    return PromptBattles.of(
        counts.models, cells.size, np.arange(cells.size), counts.a[pair], counts.b[pair], *columns
    )


def test_over_prompts_of_one_battle_is_over_battles(counts_of: CountsOf) -> None:
    counts = counts_of("layout_all")
    over_prompts = bootstrap_prompts(one_battle_prompts(counts), n_resamples=2000)
    over_battles = bootstrap(counts, n_resamples=2000, random_state=1)
    assert over_prompts.rating == over_battles.rating
    assert width(over_prompts) == pytest.approx(width(over_battles), rel=0.1)


def test_games_that_repeat_a_prompt_widen_the_interval_by_their_root(counts_of: CountsOf) -> None:
    """Nine battles with one outcome on each prompt tell no more than one does: intervals three times wider."""
    one = one_battle_prompts(counts_of("layout_all"))
    cells = one.cells
    nine = PromptBattles.of(
        one.models,
        one.n_prompts,
        cells.group,
        cells.a,
        cells.b,
        9 * cells.wins,
        9 * cells.losses,
        9 * cells.ties,
    )
    over_prompts = bootstrap_prompts(nine, n_resamples=1000)
    over_battles = bootstrap(nine.counts(), n_resamples=1000)
    assert over_prompts.samples == pytest.approx(bootstrap_prompts(one, n_resamples=1000).samples, abs=1e-4)
    assert width(over_prompts) == pytest.approx(3 * width(over_battles), rel=0.12)


def test_prompts_without_battles_change_nothing(counts_of: CountsOf) -> None:
    one = one_battle_prompts(counts_of("layout_all"))
    cells = one.cells
    columns = (cells.a, cells.b, cells.wins, cells.losses, cells.ties)
    more = PromptBattles.of(one.models, 3 * one.n_prompts, 3 * cells.group, *columns)
    assert np.array_equal(bootstrap_prompts(more).samples, bootstrap_prompts(one).samples)


def width(intervals: BootstrapIntervals) -> np.ndarray:
    return np.array(intervals.rating_upper, dtype=float) - np.array(intervals.rating_lower, dtype=float)


@pytest.mark.parametrize(("n_prompts", "bounded"), [(1, False), (5, False), (6, True)])
def test_bounds_need_six_prompts(n_prompts: int, bounded: bool) -> None:
    """On each prompt x beats y twice of thrice: 400 log10(2) apart in all resamples, which a point would claim."""
    prompts = np.arange(n_prompts)
    battles = PromptBattles.of(
        "xy", n_prompts, prompts, 0 * prompts, 0 * prompts + 1, 0 * prompts + 2, 0 * prompts + 1, 0 * prompts
    )
    found = bootstrap_prompts(battles)
    assert found.rating[0] == pytest.approx(1000 + 200 * np.log10(2), abs=1e-3)
    assert [bound is not None for bound in (*found.rating_lower, *found.rating_upper)] == [bounded] * 4
    assert found.reasons == (None if bounded else Reason.FEW_PROMPTS,) * 2


def test_a_model_on_five_of_many_prompts_has_no_bounds_and_takes_no_others() -> None:
    """x and y meet on 60 prompts; z meets x on five of them."""
    first = PromptBattles.of(
        "xyz", 60, [*range(60), *range(5)], [0] * 65, [1] * 60 + [2] * 5, [2] * 65, [1] * 65, [0] * 65
    )
    found = bootstrap_prompts(first)
    assert found.reasons == (None, None, Reason.FEW_PROMPTS)
    assert [bound is None for bound in found.rating_lower] == [False, False, True]
