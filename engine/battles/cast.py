"""The cast of a run: its players and judges, built from the plan by their plug-ins, opened and registered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from engine.errors import PluginError, UsageError, UserError
from engine.judges.base import Judge, JudgeSpec
from engine.plan import JudgePlan, ModelPlan, Plan
from engine.players.base import Player, PlayerSpec
from engine.players.fingerprint import Unidentified
from engine.plugins import Group, find, load
from engine.records import Sampling
from engine.store.contestants import Contestant, find_by_name, land_judge, land_player
from engine.store.store import Fence, Store

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Seat:
    """A player of the run.

    Attributes:
        name: what the plan calls it; its contestant may bear another name in the store.
        recorded: it asks nobody, and plays the responses that the store has under that name.
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
        recorded: it asks nobody, and decides by the verdicts that the store has under that name.
        asks: whether it asks a model; a checker computes.
    """

    name: str
    judge: Judge
    contestant: Contestant
    tries: int
    recorded: bool = False
    asks: bool = True

    @property
    def player(self) -> Player | None:
        """The model that judges, where there is one."""
        return getattr(self.judge, "player", None)

    @property
    def notes(self) -> list[str]:
        """What a person should know of how it went; see `Player.notes`."""
        return getattr(self.judge, "notes", _NO_NOTES)


_NO_NOTES: list[str] = []

NOTES_SECONDS = 0.5
"""How often it is looked for notes of a player or judge that is being opened."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody who takes part, by name in the plan."""

    seats: Mapping[str, Seat]
    benches: Mapping[str, Bench]

    def contestants(self) -> dict[str, Contestant]:
        """The players as the store knows them."""
        return {name: seat.contestant for name, seat in self.seats.items()}

    def load(self) -> dict[str, dict[str, int]]:
        """What players and judges have in hand, by name, where their concurrency adapts."""
        asked = {name: seat.player for name, seat in self.seats.items()}
        asked |= {name: bench.player for name, bench in self.benches.items() if bench.player is not None}
        loads = {name: getattr(player, "load", None) for name, player in asked.items()}
        return {name: asdict(load) for name, load in loads.items() if load is not None}

    def notes(self) -> list[str]:
        """What players and judges have noted so far, each once."""
        everybody = [seat.player.notes for seat in self.seats.values()]
        everybody += [bench.notes for bench in self.benches.values()]
        return list(dict.fromkeys(note for notes in everybody for note in notes))


@asynccontextmanager
async def open_cast(
    store: Store, plan: Plan, players: tuple[str, ...], fence: Fence | None, warn: Warn
) -> AsyncIterator[Cast]:
    """Open the players that take part and all judges, register them, and close them in the end.

    Args:
        warn: takes what a person should know; what is noted during a long opening comes several times.

    Raises:
        UserError: as the plug-ins do, all of them checked before any is opened.
        UsageError: two players, or two judges, are one and the same.
    """
    opened = {name: build_player(name, plan.players[name]) for name in players}
    secret = _secret(store)
    judges = {name: build_judge(name, judge, secret) for name, judge in plan.judges.items()}
    everybody: list[Player | Judge] = [*opened.values(), *judges.values()]
    async with AsyncExitStack() as stack:
        tables = [*(f"players.{name}" for name in opened), *(f"judges.{name}" for name in judges)]
        for table, one in zip(tables, everybody, strict=True):
            stack.push_async_callback(one.close)
            try:
                await _open(one, warn)
            except Unidentified as error:
                raise error.of(table) from None
        seats = {
            name: _seat(store, name, plan.players[name], one, fence, warn) for name, one in opened.items()
        }
        benches = {
            name: _bench(store, name, plan.judges[name], one, fence, warn) for name, one in judges.items()
        }
        _check_distinct("players", "sampling or revision", seats)
        _check_distinct("judges", "template or sampling", benches)
        yield Cast(seats, benches)


async def _open(one: Player | Judge, warn: Warn) -> None:
    """Open it, and tell what it notes meanwhile: a server that does not answer is waited for in here."""
    opening = asyncio.ensure_future(one.open())
    try:
        while not (await asyncio.wait({opening}, timeout=NOTES_SECONDS))[0]:
            for note in getattr(one, "notes", _NO_NOTES):
                warn(note)
    finally:
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
    opening.result()


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
        endpoints=plan.endpoints or (),
        api_key_env=plan.api_key_env,
        sampling=plan.sampling.to_sampling(),
        options=dict(plan.options),
    )


def _judge_spec(name: str, plan: JudgePlan) -> JudgeSpec:
    return JudgeSpec(
        name=name,
        model=plan.model,
        revision=plan.revision,
        endpoints=plan.endpoints or (),
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
    contestant = find_by_name(store.reader, "players", str(identity.facts["name"])) if recorded else None
    if contestant is None:
        with store.write(fence) as tx:
            contestant = land_player(
                tx, name, identity.kind, identity.facts, identity.template_hash, known, path
            )
    if contestant.name != name:
        warn(f"player '{name}' is shown as '{contestant.name}': {_why(contestant)}")
    return Seat(name, player, contestant, sampling, recorded)


def _bench(store: Store, name: str, plan: JudgePlan, judge: Judge, fence: Fence | None, warn: Warn) -> Bench:
    facts = judge.facts()
    recorded = facts.get("kind") == "recorded"
    contestant = find_by_name(store.reader, "judges", str(facts["name"])) if recorded else None
    if contestant is None:
        with store.write(fence) as tx:
            contestant = land_judge(tx, name, judge.kind.value, judge.key(), facts)
    if contestant.name != name:
        warn(f"judge '{name}' is shown as '{contestant.name}': {_why(contestant)}")
    computes = facts.get("kind") == "checker"  # and would say the same again
    tries = 1 if computes else plan.tries
    return Bench(name, judge, contestant, tries, recorded, asks=not (recorded or computes))


def _check_distinct(noun: str, differently: str, everybody: Mapping[str, Seat | Bench]) -> None:
    known: dict[int, str] = {}
    for name, one in everybody.items():
        twin = known.setdefault(one.contestant.id, name)
        if twin != name:
            raise UsageError(
                f"{noun}.{twin} and {noun}.{name} are one and the same",
                "They would give the same answers, and pay for them twice.",
                f"Take one out, or tell them apart by their {differently}.",
            )


def _why(contestant: Contestant) -> str:
    if contestant.renamed:
        return "the store knows another model, sampling or template under that name"
    return "the store knows the very same one under that name"


def _secret(store: Store) -> bytes:
    return bytes(store.reader.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()[0])
