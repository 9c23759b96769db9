"""What a worker takes from the environment of whoever starts it: the keys that a plan names."""

from __future__ import annotations

import os
from collections.abc import Mapping

from engine.errors import UsageError
from engine.plan import Plan


def missing_variables(plan: Plan, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Variables that the plan takes keys from and that are not set."""
    models = [*plan.players.values(), *plan.judges.values()]
    named = dict.fromkeys(model.api_key_env for model in models if model.api_key_env is not None)
    return [name for name in named if not environment.get(name)]


def check_variables(plan: Plan) -> None:
    """
    Raises:
        UsageError: a worker that is started here would lack a key.
    """
    if missing := missing_variables(plan):
        names = ", ".join(missing)
        raise UsageError(
            f"the environment variable{'s' if len(missing) > 1 else ''} {names} of the plan's keys "
            f"{'are' if len(missing) > 1 else 'is'} not set",
            "A worker takes its environment from where it is started.",
            f"Set it here, and start it again: export {missing[0]}=...",
        )
