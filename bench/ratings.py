"""How long ratings with intervals take, beside the programs that the field uses.

    python bench/ratings.py [--models 32,300] [--battles 1000000] [--json]

A million battles between 32 and 300 models, every pair of models equally often, a fifth of them ties. Ours start from
the pair counts that the store keeps. evalica, arena-rank and fschat start from the battle log; each is asked for the
same 100 bootstraps, but run for fewer, and fschat on fewer battles where its table would not fit into memory. What was
run is printed beside what it comes to. Peers that are not installed are named and left out:

    pip install evalica scikit-learn fschat; arena-rank in an environment of its own (it pins numpy and jax).
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.ratings.bootstrap import bootstrap, bootstrap_prompts
from engine.ratings.bradley_terry import bradley_terry
from engine.ratings.counts import PairCounts
from engine.ratings.covariance import normal_intervals
from engine.ratings.prompt_battles import PromptBattles
from engine.ratings.skill import SkillState
from engine.records import Outcome

BOOTSTRAPS = 100


@dataclass(frozen=True)
class Timing:
    """One line of the table.

    Attributes:
        seconds: for the whole of `what`, scaled up where `ran` says so.
        ratio: how many times longer than ours, for a peer.
    """

    program: str
    what: str
    models: int
    seconds: float
    ran: str = "in full"
    ratio: float | None = None


def synthetic_counts(n: int, battles: int, random_state: int = 0) -> PairCounts:
    """Counts of `battles` battles between n models whose log strengths are standard normal; a fifth are ties."""
    rng = np.random.default_rng(random_state)
    strength = rng.normal(size=n)
    a, b = np.triu_indices(n, 1)
    met = rng.multinomial(battles, np.full(a.size, 1 / a.size))
    ties = rng.binomial(met, 0.2)
    wins = rng.binomial(met - ties, 1 / (1 + np.exp(strength[b] - strength[a])))
    return PairCounts.of([f"model-{i:03}" for i in range(n)], a, b, wins, met - ties - wins, ties)


def synthetic_prompts(n: int, battles: int, prompts: int, random_state: int = 0) -> PromptBattles:
    """Battles spread evenly over prompts, between models drawn at random."""
    rng = np.random.default_rng(random_state)
    first = rng.integers(0, n, battles)
    second = (first + rng.integers(1, n, battles)) % n
    outcome = rng.choice(3, battles, p=[0.4, 0.4, 0.2])
    columns = [(outcome == wanted).astype(np.int64) for wanted in range(3)]
    names = [f"model-{i:03}" for i in range(n)]
    return PromptBattles.of(names, prompts, np.arange(battles) % prompts, first, second, *columns)


def battle_log(counts: PairCounts, random_state: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The battles one by one, shuffled: index of a, of b, and 0, 1, 2 for a, b, tie."""
    cells = np.concatenate([counts.wins, counts.losses, counts.ties])
    cell = np.repeat(np.arange(cells.size), cells)
    np.random.default_rng(random_state).shuffle(cell)
    pair, outcome = cell % counts.a.size, cell // counts.a.size
    return counts.a[pair], counts.b[pair], outcome


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """The shortest of several runs."""
    best = math.inf
    for _ in range(times):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def ours(source: Callable[[], PairCounts]) -> Iterator[Timing]:
    """Everything from pair counts. `source` reads them, and its time counts."""
    n = len(source().models)
    yield Timing(
        "arena-tui", f"{BOOTSTRAPS} bootstraps over battles", n, seconds(lambda: bootstrap(source()), 5)
    )
    yield Timing("arena-tui", "sandwich intervals", n, seconds(lambda: normal_intervals(source()), 5))
    yield Timing("arena-tui", "one fit", n, seconds(lambda: bradley_terry(source()), 5))


def ours_over_prompts(n: int, battles: int = 300_000, prompts: int = 50_000) -> Timing:
    log = synthetic_prompts(n, battles, prompts)
    what = f"{BOOTSTRAPS} bootstraps over prompts ({battles:,} battles, {prompts:,} prompts)"
    return Timing("arena-tui", what, n, seconds(lambda: bootstrap_prompts(log), 3))


def trueskill_updates(battles: int = 3000) -> Timing:
    first, second, outcome = battle_log(synthetic_counts(32, battles))
    rows = [(str(a), str(b), tuple(Outcome)[o]) for a, b, o in zip(first, second, outcome, strict=True)]
    taken = seconds(lambda: SkillState().folded(rows))
    return Timing("trueskill", f"{battles:,} battles folded, {battles / taken:,.0f} a second", 32, taken)


def extrapolated(work: Callable[[int], object], few: int, more: int) -> tuple[float, str]:
    """Seconds of `work(BOOTSTRAPS)`: what `few` take, and for each further one what it takes from `few` to `more`."""
    work(few)
    begin, each = seconds(lambda: work(few)), seconds(lambda: work(more))
    each = (each - begin) / (more - few)
    return begin + (BOOTSTRAPS - few) * each, f"{few} and {more} bootstraps, the rest by their difference"


def evalica_bootstraps(counts: PairCounts) -> Timing:
    import evalica

    first, second, outcome = battle_log(counts)
    winners = np.array([evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw], dtype=object)[outcome]
    names = np.array(counts.models, dtype=object)
    log = (names[first].tolist(), names[second].tolist(), winners.tolist())
    options: dict[str, Any] = {"bootstrap_method": "percentile", "random_state": 0}

    def work(resamples: int) -> None:
        evalica.bootstrap(evalica.bradley_terry, *log, n_resamples=resamples, **options)

    return Timing("evalica", f"{BOOTSTRAPS} bootstraps", len(names), *extrapolated(work, 2, 4))


def log_frame(counts: PairCounts, battles: int | None = None) -> Any:
    """The battle log (its first `battles`) as the data frame that arena-rank and fschat read."""
    import pandas as pd

    first, second, outcome = (column[:battles] for column in battle_log(counts))
    names = np.array(counts.models)
    winner = np.array(["model_a", "model_b", "tie"])[outcome]
    return pd.DataFrame({"model_a": names[first], "model_b": names[second], "winner": winner})


def arena_rank_bootstraps(counts: PairCounts) -> Timing:
    """Its own draws and fits one after another: the pool that it forks for them hangs beside JAX's threads."""
    import jax
    from arena_rank.models.bradley_terry import BradleyTerry, fit_single_bootstrap_sample
    from arena_rank.utils.data_utils import PairDataset

    frame = log_frame(counts)

    def work(resamples: int) -> None:
        data = PairDataset.from_pandas(frame)
        model = BradleyTerry(n_competitors=len(data.competitors))
        model.fit(data)
        drawn = jax.random.multinomial(
            key=jax.random.PRNGKey(0),
            n=counts.total,
            p=data.counts / counts.total,
            shape=(resamples, data.counts.shape[0]),
            dtype=model.dtype,
        )
        for sample in drawn:
            fit_single_bootstrap_sample(sample, model, data)

    return Timing("arena-rank", f"{BOOTSTRAPS} bootstraps", len(counts.models), *extrapolated(work, 1, 4))


def arena_rank_sandwich(counts: PairCounts) -> Timing:
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    frame = log_frame(counts)

    def work() -> None:
        data = PairDataset.from_pandas(frame)
        BradleyTerry(n_competitors=len(data.competitors)).compute_ratings_and_cis(data)

    return Timing(
        "arena-rank", "sandwich intervals", len(counts.models), seconds(work, 2), "in full, compiled before"
    )


def fschat_bootstraps(counts: PairCounts, battles: int, resamples: int) -> Timing:
    fit, repeat = fschat_functions()
    frame = log_frame(counts, battles)
    taken = seconds(lambda: repeat(frame, fit, resamples))
    scale = BOOTSTRAPS / resamples * counts.total / battles
    ran = f"{resamples} bootstraps of {battles:,} battles, x {scale:,.0f}"
    return Timing("fschat elo_analysis", f"{BOOTSTRAPS} bootstraps", len(counts.models), taken * scale, ran)


def fschat_functions() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Fit and bootstrap from fschat's elo_analysis.py, without what its plots and its model list import."""
    import pandas as pd

    package = importlib.util.find_spec("fastchat")
    if package is None or not package.submodule_search_locations:
        raise ImportError("fastchat")
    path = Path(package.submodule_search_locations[0]) / "serve" / "monitor" / "elo_analysis.py"
    wanted = {"compute_elo_mle_with_tie", "get_bootstrap_result"}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in wanted]
    scope: dict[str, Any] = {"np": np, "pd": pd, "math": math, "tqdm": lambda rounds, **_: rounds}
    exec(compile(tree, str(path), "exec"), scope)
    return scope["compute_elo_mle_with_tie"], scope["get_bootstrap_result"]


def peers(counts: PairCounts) -> Iterator[Timing]:
    """Each peer that is installed; one that is not is told on stderr."""
    fschat_battles = min(counts.total, 40_000_000 // len(counts.models))
    runs: dict[str, Callable[[], Timing]] = {
        "evalica": lambda: evalica_bootstraps(counts),
        "arena-rank": lambda: arena_rank_bootstraps(counts),
        "arena-rank (sandwich)": lambda: arena_rank_sandwich(counts),
        "fschat": lambda: fschat_bootstraps(counts, fschat_battles, 1),
    }
    for name, run in runs.items():
        try:
            yield run()
        except ImportError as error:
            print(f"{name}: not installed ({error})", file=sys.stderr)


def with_ratios(timings: list[Timing]) -> list[Timing]:
    """Peers beside ours for the same models and the same kind of interval."""

    def key(timing: Timing) -> tuple[int, str]:
        return timing.models, timing.what.removesuffix(" over battles")

    own = {key(timing): timing.seconds for timing in timings if timing.program == "arena-tui"}
    rows = []
    for timing in timings:
        mine = own.get(key(timing))
        ratio = None if mine is None or timing.program == "arena-tui" else timing.seconds / mine
        rows.append(Timing(**{**asdict(timing), "ratio": ratio}))
    return rows


def show(timings: list[Timing], battles: int) -> None:
    print(
        f"{battles:,} battles; Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores"
    )
    print(f"{'models':>6}  {'program':<20} {'what':<66} {'seconds':>9} {'ratio':>8}  ran")
    for row in timings:
        ratio = "" if row.ratio is None else f"{row.ratio:,.0f}x"
        print(f"{row.models:>6}  {row.program:<20} {row.what:<66} {row.seconds:>9.3f} {ratio:>8}  {row.ran}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default="32,300", help="numbers of models, separated by commas")
    parser.add_argument("--battles", type=int, default=1_000_000)
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    timings: list[Timing] = []
    for n in (int(text) for text in options.models.split(",")):
        counts = synthetic_counts(n, options.battles)
        timings += ours(lambda counts=counts: counts)
        timings.append(ours_over_prompts(n))
        timings += [] if options.no_peers else peers(counts)
    timings.append(trueskill_updates())
    timings = with_ratios(timings)
    if options.json:
        print(json.dumps([asdict(timing) for timing in timings], indent=2))
    else:
        show(timings, options.battles)


if __name__ == "__main__":
    main()
