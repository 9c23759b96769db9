"""The servers of a plan, each asked as a run would: is it there, what does it serve, does it hold to a schema."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from engine.battles.cast import build_judge, build_player
from engine.doctor.finding import Finding, fine, problem, warning
from engine.errors import UserError
from engine.plan import JudgePlan, ModelPlan, Plan

TIMEOUT_SECONDS = 30.0


async def endpoint_findings(plan: Plan) -> AsyncIterator[Finding]:
    """One finding a server; a judge's server gets one call of a few tokens."""
    for section, models in (("players", plan.players), ("judges", plan.judges)):
        for name, model in models.items():
            for one in _one_by_one(model):
                yield await _look(f"{section}.{name}", one)


def _one_by_one(model: ModelPlan | JudgePlan) -> Iterator[ModelPlan | JudgePlan]:
    """The same model at each of its endpoints; a list in a file stays one."""
    endpoints = model.endpoints
    if not endpoints or isinstance(endpoints, str):
        if endpoints:
            yield model
        return
    for url in endpoints:
        yield model.model_copy(update={"endpoints": (url,)})


async def _look(topic: str, model: ModelPlan | JudgePlan) -> Finding:
    where = ", ".join(model.endpoints or ())
    name = topic.split(".", 1)[1]
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await _ask(topic, name, model, where)
    except TimeoutError:
        return problem(topic, f"{where} gives no answer within {TIMEOUT_SECONDS:g} s", "See to the server.")
    except UserError as error:
        text = ". ".join(part for part in (error.title, error.text) if part)
        return problem(topic, text if where in text else f"{where}: {text}", error.mend)


async def _ask(topic: str, name: str, model: ModelPlan | JudgePlan, where: str) -> Finding:
    one: Any = build_judge(name, model, b"") if isinstance(model, JudgePlan) else build_player(name, model)
    try:
        await one.open()
        player = getattr(one, "player", one)
        served = player.identity().facts.get("fingerprint")
        told = _served(served) if isinstance(served, dict) else "nothing of it but its name"
        if not isinstance(model, JudgePlan) or getattr(one, "schema", None) is None:
            return fine(topic, f"{where} answers; it tells {told}")
        if getattr(player, "holds_schema", False):
            return fine(topic, f"{where} answers; it tells {told}; it holds replies to a schema")
        return warning(
            topic, f"{where} answers; it tells {told}; it holds no reply to a schema: replies are read"
        )
    finally:
        await one.close()


def _served(fingerprint: dict[str, Any]) -> str:
    said = {"root": "root {}", "max_model_len": "length {:,}", "tokens": "tokens {:.8}"}
    parts = [form.format(fingerprint[key]) for key, form in said.items() if fingerprint.get(key) is not None]
    return ", ".join(parts) or "its name"
