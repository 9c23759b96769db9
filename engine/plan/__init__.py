"""The plan of a run: a TOML file, typed and checked, with every value's origin."""

from engine.plan.catalogue import PlanKey, plan_keys
from engine.plan.digest import plan_digest
from engine.plan.document import Origin
from engine.plan.emit import to_toml
from engine.plan.endpoints import endpoints_in_file
from engine.plan.model import (
    AnchorPlan,
    ClusterPlan,
    FlywheelPlan,
    JudgePlan,
    ModelPlan,
    Plan,
    PlayerPlan,
    PromptsPlan,
    RatingsPlan,
    RunPlan,
    SamplingPlan,
    StagePlan,
)
from engine.plan.new import ServedModel, new_plan
from engine.plan.provenance import PlanValue, explain
from engine.plan.reading import EffectivePlan, check_options, read_plan, read_plan_text
from engine.plan.shipped import ShippedPlan, list_shipped
from engine.plan.values import format_duration, parse_duration

__all__ = [
    "AnchorPlan",
    "ClusterPlan",
    "EffectivePlan",
    "FlywheelPlan",
    "JudgePlan",
    "ModelPlan",
    "Origin",
    "Plan",
    "PlanKey",
    "PlanValue",
    "PlayerPlan",
    "PromptsPlan",
    "RatingsPlan",
    "RunPlan",
    "SamplingPlan",
    "ServedModel",
    "ShippedPlan",
    "StagePlan",
    "check_options",
    "endpoints_in_file",
    "explain",
    "format_duration",
    "list_shipped",
    "new_plan",
    "parse_duration",
    "plan_digest",
    "plan_keys",
    "read_plan",
    "read_plan_text",
    "to_toml",
]
