from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.players.base import ChatRequest
from engine.players.transformers.batching import Row, batches
from engine.players.transformers.draws import uniforms
from engine.records import Sampling


def row(number: int, length: int, limit: int) -> Row:
    request = ChatRequest(str(number), (), Sampling())
    return Row(request, [0] * length, limit, 1.0, None, None, 0)


@given(
    sizes=st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), max_size=60),
    batch_size=st.integers(1, 9),
    batch_tokens=st.integers(1, 400),
)
def test_batches_hold_each_row_once_and_keep_to_their_limits(
    sizes: list[tuple[int, int]], batch_size: int, batch_tokens: int
) -> None:
    rows = [row(n, length, limit) for n, (length, limit) in enumerate(sizes)]
    made = list(batches(rows, batch_size, batch_tokens))
    assert sorted(r.request.key for batch in made for r in batch) == sorted(r.request.key for r in rows)
    for batch in made:
        assert len(batch) <= batch_size
        padded = max(len(r.ids) for r in batch) + max(r.limit for r in batch)
        assert len(batch) == 1 or len(batch) * padded <= batch_tokens
    lengths = [len(r.ids) for batch in made for r in batch]
    assert lengths == sorted(lengths)


def draws(seeds: list[int], first: int, steps: int) -> np.ndarray:
    return uniforms(np.array(seeds, dtype=np.uint64), first, steps)


@given(seeds=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20), first=st.integers(0, 10_000))
def test_a_draw_depends_on_its_seed_and_step_alone(seeds: list[int], first: int) -> None:
    together = draws(seeds, first, 8)
    for place, seed in enumerate(seeds):
        assert np.array_equal(together[place], draws([seed], 0, first + 8)[0, first:])
    assert np.all((together >= 0) & (together < 1))


@pytest.mark.parametrize("axis", ["seeds", "steps"])
def test_draws_are_uniform_and_independent_along_seeds_and_along_steps(axis: str) -> None:
    from scipy.stats import kstest, pearsonr

    table = draws(list(range(20_000)), 0, 2) if axis == "seeds" else draws([5, 6], 0, 20_000).T
    assert kstest(table[:, 0], "uniform").pvalue > 1e-4
    assert pearsonr(table[:, 0], table[:, 1]).pvalue > 1e-4
    assert pearsonr(table[:-1, 0], table[1:, 0]).pvalue > 1e-4
    assert len(np.unique(table)) == table.size
