"""A plan printed as TOML reads back to an equal plan."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.plan import Plan, plan_digest, read_plan_text, to_toml
from engine.plan.emit import toml_literal
from engine.plan.secrets import secret_places
from tests.engine.plan.test_mistakes import flywheel
from tests.engine.plan.writing import PLAN, read

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
filled = texts.filter(bool)
names = filled.filter(lambda text: text.isprintable() and text == text.strip())
numbers = st.floats(0, 100, allow_nan=False)
json_values = st.recursive(
    texts | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
tables = st.dictionaries(texts, json_values, max_size=4)
samplings = st.fixed_dictionaries(
    {},
    optional={
        "temperature": numbers,
        "top_p": st.floats(0.001, 1),
        "top_k": st.integers(0, 100),
        "max_tokens": st.integers(1, 9999),
        "stop": st.lists(filled, max_size=3),
        "seed": st.integers(-1, 2**63 - 1),
        "extra": tables,
    },
)
players = st.fixed_dictionaries(
    {"kind": st.just("odd")},
    optional={
        "model": filled,
        "revision": filled,
        "endpoints": st.lists(
            st.sampled_from(["http://a:1/v1", "https://b/v1", "@/c"]), min_size=1, max_size=2
        ),
        "price_in": numbers,
        "sampling": samplings,
        "options": tables,
    },
)


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    """Plans of another package's kind, which may have any keys."""
    who = draw(st.dictionaries(names, players, min_size=2, max_size=4))
    run = draw(
        st.fixed_dictionaries(
            {"name": st.just("spring")},
            optional={
                "seed": st.integers(0, 2**63 - 1),
                "arena": filled,
                "outcome_rule": st.sampled_from(["mean-margin", "strict", "per-game"]),
                "stop_after": st.integers(1, 10**6),
                "max_cost": st.floats(0.001, 1e30),
                "mode": st.sampled_from(["ii", "round-robin"]),
                "on_event": filled,
            },
        )
    )
    prompts = draw(
        st.fixed_dictionaries({"set": filled}, optional={"categories": st.lists(filled, max_size=3)})
    )
    plan = {
        "run": run,
        "prompts": prompts,
        "players": who,
        "judges": draw(st.dictionaries(names, players, min_size=1)),
    }
    if draw(st.booleans()):
        plan["ratings"] = {
            "anchor": {"model": draw(st.sampled_from(sorted(who))), "rating": draw(st.floats(0, 3000))}
        }
    return plan


@given(plans())
def test_any_plan_reads_back(data: dict[str, Any]) -> None:
    if any(secret_places(data)):
        return
    plan = Plan.model_validate(data)
    again = read_plan_text(to_toml(plan), options=False).plan
    assert again == plan
    assert plan_digest(again) == plan_digest(plan)
    assert to_toml(again) == to_toml(plan)


@given(json_values)
def test_any_json_value_is_toml(value: Any) -> None:
    assert tomllib.loads(f"x = {toml_literal(value)}") == {"x": value}


def test_a_flywheel_reads_back(tmp_path: Path) -> None:
    plan = read(tmp_path, flywheel()).plan
    assert read_plan_text(to_toml(plan), options=False).plan == plan


def test_all_values_are_printed_but_those_that_are_not_set(tmp_path: Path) -> None:
    printed = tomllib.loads(to_toml(read(tmp_path, PLAN, "run.stop_after=3h50m").plan))
    assert printed["run"] == {
        "name": "spring",
        "seed": 0,
        "arena": "spring",
        "mode": "round-robin",
        "outcome_rule": "mean-margin",
        "samples": 1,
        "stop_after": "3h50m",
        "on_cut": "void",
    }
    assert printed["players"]["qwen"] == {"kind": "recorded"}
    assert printed["players"]["llama"]["sampling"] == {"seed": 0}
