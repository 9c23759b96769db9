"""The programs of the field on one battle log, run by a Python that has them: see bench/README.md.

    python bench/peers.py LOG.npz [--fastchat rating_systems.py]

LOG.npz has `models` (n) names, `a`, `b` (B,) indices of them, and `outcome` (B,) 0, 1, 2 for a, b, tie. Each program is
timed from the log in the form that it takes to intervals; bringing the log into that form is not counted. One line of
JSON is printed for each, as soon as it is known. Nothing here imports this project's own code but bench/timing.py.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from timing import Spent, spent

BOOTSTRAPS = 100
FSCHAT_CELLS = 40_000_000
"""elo_analysis fits a dense table of battles by models, 16 bytes a cell in all its copies: so many of them at most."""


@dataclass(frozen=True, eq=False)
class Log:
    """A battle log as arrays, and as the data frame that most programs read."""

    models: Any
    a: Any
    b: Any
    outcome: Any

    @property
    def battles(self) -> int:
        return len(self.a)

    def frame(self, battles: int | None = None) -> Any:
        """Its first `battles`."""
        import pandas as pd

        first, second, outcome = (column[:battles] for column in (self.a, self.b, self.outcome))
        winner = np.array(["model_a", "model_b", "tie"])[outcome]
        return pd.DataFrame({"model_a": self.models[first], "model_b": self.models[second], "winner": winner})


@dataclass(frozen=True)
class Ran:
    """What a program took for the whole of `what`: run as `ran` says, and scaled up where it says so."""

    program: str
    what: str
    spent: Spent
    ran: str = "in full"


def bootstraps_of(program: str, work: Callable[[int], object], few: int, more: int, how: str = "") -> Ran:
    """`work(BOOTSTRAPS)`: what `few` take, and for each further one what it takes from `few` to `more`."""
    work(few)
    begin, end = spent(lambda: work(few)), spent(lambda: work(more))
    further = (BOOTSTRAPS - few) / (more - few)
    whole = Spent(begin.wall + further * (end.wall - begin.wall), begin.cpu + further * (end.cpu - begin.cpu))
    ran = f"{few} and {more} of {BOOTSTRAPS}, the rest by their difference{how}"
    return Ran(program, "bootstraps", whole, ran)


def evalica(log: Log) -> Ran:
    import evalica as package

    winners = np.array([package.Winner.X, package.Winner.Y, package.Winner.Draw], dtype=object)[log.outcome]
    names = log.models.astype(object)
    columns = (names[log.a].tolist(), names[log.b].tolist(), winners.tolist())
    options: dict[str, Any] = {"bootstrap_method": "percentile", "random_state": 0}

    def work(resamples: int) -> None:
        package.bootstrap(package.bradley_terry, *columns, n_resamples=resamples, **options)

    return bootstraps_of(f"evalica {package.__version__}", work, 2, 4)


def arena_rank(log: Log) -> Ran:
    """Its own draws and fits, one after another: the pool that it forks for them hangs beside JAX's threads.

    Each fit is compiled anew, because the function that it compiles is made anew for each.
    """
    import jax
    from arena_rank.models.bradley_terry import BradleyTerry, fit_single_bootstrap_sample
    from arena_rank.utils.data_utils import PairDataset

    frame = log.frame()

    def work(resamples: int) -> None:
        data = PairDataset.from_pandas(frame)
        model = BradleyTerry(n_competitors=len(data.competitors))
        model.fit(data)
        drawn = jax.random.multinomial(
            key=jax.random.PRNGKey(0),
            n=log.battles,
            p=data.counts / log.battles,
            shape=(resamples, data.counts.shape[0]),
            dtype=model.dtype,
        )
        for sample in drawn:
            fit_single_bootstrap_sample(sample, model, data)

    return bootstraps_of(f"arena-rank {version('arena-rank')}", work, 1, 4, "; one process")


def arena_rank_sandwich(log: Log) -> Ran:
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    frame = log.frame()

    def work() -> None:
        data = PairDataset.from_pandas(frame)
        BradleyTerry(n_competitors=len(data.competitors)).compute_ratings_and_cis(data)

    work()
    name = f"arena-rank {version('arena-rank')}"
    return Ran(name, "sandwich", spent(work, 2), "in full, compiled before")


def fschat(log: Log) -> Ran:
    fit, repeat = fschat_functions()
    battles = min(log.battles, FSCHAT_CELLS // len(log.models))
    frame = log.frame(battles)
    once = spent(lambda: repeat(frame, fit, 1))
    scale = BOOTSTRAPS * log.battles / battles
    ran = f"1 bootstrap of {battles:,} battles, times {scale:,.0f}"
    name = f"fschat {version('fschat')} elo_analysis"
    return Ran(name, "bootstraps", Spent(once.wall * scale, once.cpu * scale), ran)


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


def fastchat(log: Log, path: Path) -> Ran:
    """rating_systems.py of a checkout of FastChat, which no package holds."""
    spec = importlib.util.spec_from_file_location("rating_systems", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules["rating_systems"] = module  # its pool finds functions by the name of their module
    spec.loader.exec_module(module)
    module.tqdm = lambda rounds, **_: rounds
    frame = log.frame()
    taken = spent(lambda: module.compute_bootstrap_bt(frame, BOOTSTRAPS))
    return Ran("FastChat rating_systems", "bootstraps", taken, "in full, with a process for each core")


def version(package: str) -> str:
    from importlib.metadata import version as installed

    return installed(package)


def run_all(log: Log, checkout: Path | None) -> Iterator[Ran]:
    """Each program that is installed; one that is not is told on stderr."""
    programs: dict[str, Callable[[], Ran]] = {
        "evalica": lambda: evalica(log),
        "arena-rank": lambda: arena_rank(log),
        "arena-rank (sandwich)": lambda: arena_rank_sandwich(log),
        "fschat": lambda: fschat(log),
    }
    # First: its pool forks, and JAX has started threads later.
    if checkout is not None:
        programs = {"FastChat": lambda: fastchat(log, checkout), **programs}
    for name, run in programs.items():
        try:
            yield run()
        except ImportError as error:
            print(f"{name}: not installed ({error})", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", type=Path)
    parser.add_argument("--fastchat", type=Path, help="rating_systems.py of a checkout of FastChat")
    options = parser.parse_args()
    arrays = np.load(options.log)
    log = Log(arrays["models"], arrays["a"], arrays["b"], arrays["outcome"])
    for ran in run_all(log, options.fastchat):
        facts = {"program": ran.program, "what": ran.what, "ran": ran.ran, **vars(ran.spent)}
        print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
