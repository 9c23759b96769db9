"""The plan as typed, frozen models: what a run is made of, key by key.

Each field's description is its documentation: error messages, `plan new`, help and the reference are made from
it. Rules that tie several keys together are in `rules.py`; defaults that follow from other keys in `derived.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from engine.plan.derived import with_derived
from engine.plan.rules import broken_rules
from engine.plan.values import (
    Duration,
    Endpoints,
    JsonTable,
    PerRound,
    PlayerName,
    RunName,
    Text,
    Texts,
    Variable,
)
from engine.records import OnCut, OutcomeRule, Sampling

Mode = Literal["i", "ii", "iii", "iv", "round-robin"]


class Table(BaseModel):
    """A table of the plan: strict types, no unknown keys, never changed."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class RunPlan(Table):
    """What is run, in which arena, and when it stops."""

    name: RunName = Field(
        description="Name of the run; without it, the plan's file name.", examples=["spring"]
    )
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**63,
        description="Seed of everything that is drawn: pairs, splits, samples, resamples.",
    )
    arena: Text = Field(
        description="Arena that the battles join and are rated in; without it, the run's name.",
        examples=["spring"],
    )
    mode: Mode = Field(
        default="round-robin",
        description="Who fights whom. i: target against one opponent; ii: each prompt against an opponent drawn "
        "for it; iii and iv: target and 2 or 3 opponents, every pair fights; round-robin: every pair of players.",
    )
    target: PlayerName | None = Field(
        default=None,
        description="Target of modes i to iv; without it, the first player of the plan.",
        examples=["llama"],
    )
    opponents: Annotated[tuple[PlayerName, ...], Field(strict=False)] = Field(
        default=(),
        description="Opponents of modes i to iv; without it, all other players.",
        examples=[["mistral", "qwen"]],
    )
    outcome_rule: Annotated[OutcomeRule, Field(strict=False)] = Field(
        default=OutcomeRule.MEAN_MARGIN,
        description="How the games of a battle become its outcome: mean-margin (sign of the mean margin), strict "
        "(all games agree, else a tie), per-game (each game counts as a battle).",
    )
    samples: int = Field(default=1, ge=1, le=1000, description="Responses of each player to each prompt.")
    max_cost: float | None = Field(
        default=None, gt=0, description="Stop before more is spent, in the prices' currency.", examples=[20.0]
    )
    max_tokens: int | None = Field(
        default=None, gt=0, description="Stop before more tokens are read and written.", examples=[5_000_000]
    )
    max_calls: int | None = Field(
        default=None, gt=0, description="Stop before more requests are sent.", examples=[20_000]
    )
    stop_after: Duration | None = Field(
        default=None,
        description="Stop in time and exit with 3, unfinished, such as 3h50m; a number is seconds.",
        examples=["3h50m"],
    )
    on_cut: Annotated[OnCut, Field(strict=False)] = Field(
        default=OnCut.VOID,
        description="What a cut, empty or refused response means: void (no battle), loss (its side loses), judge "
        "(it is judged as it is).",
    )
    on_event: Text | None = Field(
        default=None,
        description="Command that gets every pause, resume and finish as JSON on its input.",
        examples=["notify-me"],
    )
    mirror: Text | None = Field(
        default=None,
        description="Folder that keeps a copy of the store, for a store on a disk that goes with the job.",
        examples=["copies"],
    )


class PromptsPlan(Table):
    """What the players are asked."""

    set: Text | None = Field(
        default=None,
        description="Prompt set of the store, or pocket:SPLIT of the pocket world.",
        examples=["my-prompts"],
    )
    file: Text | None = Field(
        default=None, description="File of prompts, in place of a set.", examples=["prompts.jsonl"]
    )
    categories: Texts = Field(
        default=(),
        description="Only prompts of these categories; without it, all.",
        examples=[["math", "coding"]],
    )
    split: Text | None = Field(default=None, description="Only this split of the set.", examples=["test"])
    limit: int | None = Field(
        default=None,
        gt=0,
        description="The first so many of a seeded shuffle; a larger limit contains a smaller one.",
        examples=[200],
    )


class SamplingPlan(Table):
    """How a model is sampled. What is not said is left to whatever serves the model, but for the seed."""

    temperature: float | None = Field(
        default=None, ge=0, le=100, description="Temperature; 0 is greedy.", examples=[0.7]
    )
    top_p: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Nucleus: the share of probability that is kept.",
        examples=[0.95],
    )
    top_k: int | None = Field(
        default=None, ge=0, description="The number of tokens that are kept; 0 keeps all.", examples=[50]
    )
    max_tokens: int | None = Field(
        default=None, gt=0, description="Limit on new tokens a turn.", examples=[1024]
    )
    stop: Texts = Field(default=(), description="Texts that end a response.", examples=[["###"]])
    seed: int | None = Field(
        default=None,
        ge=-1,
        lt=2**63,
        description="Base of each request's own seed; without it, the run's, or none at temperature 0; -1 sends none.",
        examples=[1],
    )
    extra: JsonTable = Field(
        default={},
        description="Further fields for the server, handed on as they are.",
        examples=[{"repetition_penalty": 1.05}],
    )

    def to_sampling(self) -> Sampling:
        """The record that players and content keys take."""
        seed = None if self.seed == -1 else self.seed
        return Sampling(**{name: getattr(self, name) for name in type(self).model_fields} | {"seed": seed})


class ModelPlan(Table):
    """A model and how it is reached: what players and judges share."""

    kind: Text = Field(description="The plug-in that reaches it.")
    model: Text | None = Field(
        default=None,
        description="The served model's name, a folder of weights, store:NAME or pocket:NAME.",
        examples=["my-model"],
    )
    revision: Text | None = Field(
        default=None,
        description="Revision of the model; needed where a server tells nothing of what it serves.",
        examples=["2025-11-01"],
    )
    endpoints: Endpoints | None = Field(
        default=None,
        description="Base URLs of servers of this one model, or @FILE with one a line, read again while running.",
        examples=[["http://localhost:8000/v1"]],
    )
    serve: Text | None = Field(
        default=None,
        description="Command that serves {model} on {port}; started when needed.",
        examples=["vllm serve {model} --port {port}"],
    )
    api_key_env: Variable | None = Field(
        default=None,
        description="Name of the environment variable that holds the key; never the key itself.",
        examples=["OPENAI_API_KEY"],
    )
    price_in: float | None = Field(
        default=None, ge=0, description="Price of a million tokens read.", examples=[0.5]
    )
    price_out: float | None = Field(
        default=None, ge=0, description="Price of a million tokens written.", examples=[1.5]
    )
    python: Text | None = Field(
        default=None,
        description="Python of the environment that serves the model.",
        examples=["serving/bin/python"],
    )
    sampling: SamplingPlan = Field(default=SamplingPlan(), description="How it is sampled.")
    options: JsonTable = Field(default={}, description="Options of the plug-in, checked by it.")


class PlayerPlan(ModelPlan):
    """A player: a model, how it is reached, and its sampling."""


class JudgePlan(ModelPlan):
    """A judge. Verdicts of several judges are kept and rated apart, never mixed."""

    template: Text | None = Field(
        default=None, description="Judge prompt: a shipped name, or a file.", examples=["arena-learning"]
    )
    tokenizer: Text | None = Field(
        default=None,
        description="Folder of the judge's tokenizer, whose special tokens are neutralised in what it is shown.",
        examples=["models/judge"],
    )
    games: int | None = Field(
        default=None,
        ge=1,
        le=2,
        examples=[2],
        description="Games a battle: 2 shows the responses in both orders, 1 in one only; without it, 2 before a "
        "model, 1 before a checker or recorded verdicts.",
    )
    tries: int = Field(
        default=3,
        ge=1,
        le=100,
        description="How often a game is judged, while verdicts are invalid, before it waits.",
    )


class AnchorPlan(Table):
    """The model whose rating is pinned."""

    model: PlayerName = Field(description="The pinned player.")
    rating: float = Field(default=1000.0, description="Its rating.")


def _anchor(value: Any) -> Any:
    return {"model": value} if isinstance(value, str) else value


class RatingsPlan(Table):
    """How the arena is rated."""

    anchor: Annotated[AnchorPlan, BeforeValidator(_anchor)] | None = Field(
        default=None,
        description="Player pinned to 1000, or {model = NAME, rating = NUMBER}; without it, the mean is 1000.",
        examples=["llama"],
    )
    n_resamples: int = Field(
        default=100, ge=40, le=100_000, description="Bootstrap resamples of the intervals."
    )
    over: Literal["battles", "prompts"] = Field(
        default="battles",
        description="What is resampled; games on one prompt are not independent: prompts is wider.",
    )
    max_invalid: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Share of a model's battles that may come to nothing, for an invalid verdict or a failed "
        "response, before its rating is held back.",
    )


class StagePlan(Table):
    """One training stage of a round."""

    kind: Text = Field(description="sft, dpo, reward, ppo, grpo, external, or a plug-in.")
    slices: Texts = Field(
        default=(), description="Slices that it fights on, one a round, accumulated over the rounds."
    )
    min_gap: PerRound = Field(
        default=(0.0,),
        description="Least score gap K, 0 to 5, of a battle that is trained on; one, or one a round.",
    )
    pairs: Literal["group", "target-lost", "own-worst"] = Field(
        default="group",
        description="Chosen and rejected: best and worst of the group; the target where it lost; the worst of its "
        "own samples.",
    )
    start: Literal["base", "last"] = Field(
        default="last", description="Weights that it starts from: the base recipe's, or the last stage's."
    )
    reference: Text | None = Field(
        default=None, description="Reference model; without it, what the stage starts from."
    )
    options: JsonTable = Field(default={}, description="Options of the stage, checked by it.")


class FlywheelPlan(Table):
    """Rounds of battles and training. Checked here; this version runs none."""

    base: Text = Field(description="Model that the first stage starts from.")
    target: PlayerName | None = Field(default=None, description="Player that is trained.")
    opponents: Annotated[tuple[PlayerName, ...], Field(strict=False)] = Field(
        default=(), description="Players that it fights."
    )
    rounds: int = Field(default=1, ge=1, le=100, description="Number of rounds.")
    test: int | Text | None = Field(
        default=None, description="Number of held-out prompts, or the set that the stages are rated on."
    )
    slices: dict[str, Annotated[int, Field(gt=0)]] = Field(
        default={}, description="Prompts of each slice, cut by seed."
    )
    stop: Annotated[tuple[Literal["no-gain", "drop"], ...], Field(strict=False)] = Field(
        default=(), description="Stop early: after a round without a significant gain, or after a drop."
    )
    refight: bool = Field(
        default=False, description="Fight accumulated slices anew in place of keeping their rows."
    )
    stage: Annotated[tuple[StagePlan, ...], Field(strict=False)] = Field(
        default=(), description="Stages of each round, in order."
    )

    @field_validator("test", mode="before")
    @classmethod
    def _test(cls, value: Any) -> Any:
        if not isinstance(value, str) and (
            isinstance(value, bool) or not isinstance(value, int) or value < 1
        ):
            raise ValueError("expected a number of prompts, or the name of a set")
        return value


class ClusterPlan(Table):
    """More than one machine. Checked here; this version uses none."""

    engine: Literal["local", "ray"] = Field(default="local", description="What spreads the work.")
    address: Text | None = Field(default=None, description="Address of a running cluster.")
    nodes: int | None = Field(default=None, ge=1, description="Number of machines.")
    gpus_per_node: int | None = Field(default=None, ge=0, description="GPUs of each machine.")


class Plan(Table):
    """A whole plan, as a TOML file holds it. Immutable; equal plans run equal battles."""

    run: RunPlan = Field(description="What is run, in which arena, and when it stops.")
    prompts: PromptsPlan = Field(description="What the players are asked.")
    players: dict[PlayerName, PlayerPlan] = Field(description="The players, by name.")
    judges: dict[PlayerName, JudgePlan] = Field(description="The judges, by name.")
    ratings: RatingsPlan = Field(default=RatingsPlan(), description="How the arena is rated.")
    flywheel: FlywheelPlan | None = Field(default=None, description="Rounds of battles and training.")
    cluster: ClusterPlan | None = Field(default=None, description="More than one machine.")

    @property
    def fighters(self) -> tuple[str, ...]:
        """Who fights, in an order that the order of the tables does not change: the target, then its opponents;
        in a round robin all players by name."""
        if self.run.target is None:
            return tuple(sorted(self.players))
        return (self.run.target, *self.run.opponents)

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        return with_derived(data)

    @model_validator(mode="after")
    def _check(self) -> Plan:
        if findings := tuple(broken_rules(self.model_dump())):
            raise PydanticCustomError("rules", "{text}", {"text": "; ".join(map(str, findings))})
        return self
