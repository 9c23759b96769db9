"""The digest of a plan, by which a job is known again."""

from __future__ import annotations

from engine.keys import content_hash
from engine.plan.model import Plan

_NOT_OF_A_MODEL = {"endpoints", "serve", "api_key_env", "python", "price_in", "price_out"}
_NOT_OF_A_RUN = {"max_cost", "max_tokens", "max_calls", "stop_after", "on_event", "mirror"}


def plan_digest(plan: Plan) -> str:
    """32 hexadecimal digits over all that decides which rows a run makes.

    Left out is how models are reached and priced, when the run stops, whom it tells, and the cluster: a run that
    goes on with other endpoints or a larger budget is the same job. The order of keys plays no part.
    """
    facts = plan.model_dump(mode="json", exclude={"cluster": True, "run": _NOT_OF_A_RUN})
    for section in ("players", "judges"):
        for entry in facts[section].values():
            for key in _NOT_OF_A_MODEL:
                del entry[key]
    return content_hash(["plan1", facts])
