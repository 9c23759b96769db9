"""The cast of a run: its players and judges, built from the plan by their plug-ins, opened and registered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from engine.errors import PluginError, UserError
from engine.judges.base import Judge, JudgeSpec
from engine.plan import JudgePlan, ModelPlan, Plan, endpoint_urls
from engine.players.base import Player, PlayerSpec
from engine.plugins import Group, find, load
from engine.records import Sampling
from engine.store.contestants import Contestant, land_judge, land_player
from engine.store.store import Fence, Store

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Seat:
    """A player of the run.

    Attributes:
        name: what the plan calls it; its contestant may bear another name in the store.
        recorded: it is known by name alone, and plays the responses that the store has of it.
    """

    name: str
    player: Player
    contestant: Contestant
    sampling: Sampling
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """A judge of the run.

    Attributes:
        tries: how often an invalid verdict is asked for in all, before its battle waits.
        recorded: it asks nobody, and decides by the verdicts that the store has of it.
    """

    name: str
    judge: Judge
    contestant: Contestant
    tries: int
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody who takes part, by name in the plan."""

    seats: dict[str, Seat]
    benches: dict[str, Bench]

    def contestants(self) -> dict[str, Contestant]:
        """The players as the store knows them."""
        return {name: seat.contestant for name, seat in self.seats.items()}


@asynccontextmanager
async def open_cast(
    store: Store, plan: Plan, players: tuple[str, ...], fence: Fence | None, warn: Warn
) -> AsyncIterator[Cast]:
    """Open the players that take part and all judges, register them, and close them in the end.

    Raises:
        UserError: as the plug-ins do, all of them checked before any is opened.
    """
    opened = {name: build_player(name, plan.players[name]) for name in players}
    secret = _secret(store)
    judges = {name: build_judge(name, judge, secret) for name, judge in plan.judges.items()}
    everybody: list[Player | Judge] = [*opened.values(), *judges.values()]
    async with AsyncExitStack() as stack:
        for one in everybody:
            stack.push_async_callback(one.close)
            await one.open()
        seats = {
            name: _seat(store, name, plan.players[name], one, fence, warn) for name, one in opened.items()
        }
        benches = {
            name: _bench(store, name, plan.judges[name], one, fence, warn) for name, one in judges.items()
        }
        yield Cast(seats, benches)


def build_player(name: str, plan: ModelPlan) -> Player:
    """A player from its entry in the plan, not yet opened."""
    return _player(plan.kind, _player_spec(name, plan))


def _player(kind: str, spec: PlayerSpec) -> Player:
    player: Player = _build(Group.PLAYERS, kind, spec.name, lambda plugin: plugin.from_plan(spec.name, spec))
    return player


def build_judge(name: str, plan: JudgePlan, secret: bytes) -> Judge:
    """A judge from its entry in the plan, not yet opened; one that is a model gets a player to ask."""
    spec = _judge_spec(name, plan)
    asked_by = getattr(load(Group.JUDGES, plan.kind), "asked_by", None)
    player = _player(*asked_by(spec)) if asked_by else None
    judge: Judge = _build(
        Group.JUDGES, plan.kind, name, lambda plugin: plugin.from_plan(name, spec, player, secret)
    )
    return judge


def _build(group: Group, kind: str, name: str, make: Callable[[Any], Any]) -> Any:
    plugin = load(group, kind)
    try:
        return make(plugin)
    except UserError:
        raise
    except Exception as error:
        if find(group, kind).package == "arena-tui":
            raise
        raise PluginError(
            f"the {group.noun} '{kind}' failed on '{name}'", f"{type(error).__name__}: {error}"
        ) from error


def _player_spec(name: str, plan: ModelPlan) -> PlayerSpec:
    return PlayerSpec(
        name=name,
        model=plan.model,
        revision=plan.revision,
        endpoints=endpoint_urls(plan),
        api_key_env=plan.api_key_env,
        sampling=plan.sampling.to_sampling(),
        options=dict(plan.options),
    )


def _judge_spec(name: str, plan: JudgePlan) -> JudgeSpec:
    return JudgeSpec(
        name=name,
        model=plan.model,
        revision=plan.revision,
        endpoints=endpoint_urls(plan),
        api_key_env=plan.api_key_env,
        sampling=plan.sampling.to_sampling(),
        template=plan.template,
        tokenizer=plan.tokenizer,
        games=plan.games,
        options=dict(plan.options),
    )


def _seat(store: Store, name: str, plan: ModelPlan, player: Player, fence: Fence | None, warn: Warn) -> Seat:
    identity = player.identity()
    sampling = plan.sampling.to_sampling()
    recorded = identity.kind == "name"
    path = plan.model if identity.kind == "weights" else None
    known = None if recorded else sampling
    with store.write(fence) as tx:
        contestant = land_player(tx, name, identity.kind, identity.facts, identity.template_hash, known, path)
    if contestant.name != name:
        warn(f"player '{name}' is shown as '{contestant.name}': {_why(contestant)}")
    return Seat(name, player, contestant, sampling, recorded)


def _bench(store: Store, name: str, plan: JudgePlan, judge: Judge, fence: Fence | None, warn: Warn) -> Bench:
    with store.write(fence) as tx:
        contestant = land_judge(tx, name, judge.kind.value, judge.key(), judge.facts())
    if contestant.name != name:
        warn(f"judge '{name}' is shown as '{contestant.name}': {_why(contestant)}")
    return Bench(name, judge, contestant, plan.tries, judge.facts().get("kind") == "recorded")


def _why(contestant: Contestant) -> str:
    if contestant.renamed:
        return "the store knows another model, sampling or template under that name"
    return "the store knows the very same one under that name"


def _secret(store: Store) -> bytes:
    return bytes(store.reader.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()[0])
