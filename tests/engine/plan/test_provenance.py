"""Every value of the effective plan says where it comes from."""

from __future__ import annotations

from pathlib import Path

from engine.plan import PlanValue, explain, plan_keys
from tests.engine.plan.writing import PLAN, read

TEXT = PLAN.replace(
    'kind = "recorded"', 'kind = "transformers"\nmodel = "pocket:moth"\nsampling = { top_p = 0.9 }'
)


def explained(tmp_path: Path, text: str, *sets: str) -> dict[str, PlanValue]:
    values = explain(read(tmp_path, text, *sets))
    assert len({value.key for value in values}) == len(values)
    return {value.key: value for value in values}


def test_values_of_the_file_of_set_and_defaults(tmp_path: Path) -> None:
    values = explained(tmp_path, TEXT, "run.seed=7", "ratings.anchor=llama", "players.qwen.options.x=[1]")
    file = str(tmp_path / "spring.toml")
    sources = {key: (value.value, value.source) for key, value in values.items()}
    assert sources["run.name"] == ("spring", f"{file}:2")
    assert sources["prompts.set"] == ("pocket:test", f"{file}:5")
    assert sources["players.llama.endpoints"] == (["http://localhost:8000/v1"], f"{file}:10")
    assert sources["players.qwen.sampling.top_p"] == (0.9, f"{file}:15")
    assert sources["run.seed"] == (7, "--set")
    assert sources["ratings.anchor.model"] == ("llama", "--set")
    assert sources["ratings.anchor.rating"] == (1000.0, "--set")
    assert sources["players.qwen.options.x"] == ([1], "--set")
    assert sources["run.samples"] == (1, "default")
    assert sources["run.mode"] == ("round-robin", "default")
    assert sources["run.max_cost"] == (None, "default")
    assert sources["run.arena"] == ("spring", "default: run.name")
    assert sources["players.qwen.sampling.seed"] == (7, "default: run.seed")
    assert sources["players.qwen.sampling.temperature"] == (None, "default")


def test_what_follows_from_other_keys_says_so(tmp_path: Path) -> None:
    values = explained(tmp_path, TEXT.replace('name = "spring"', 'mode = "i"'))
    assert (values["run.name"].value, values["run.name"].source) == (
        "spring",
        "default: the plan's file name",
    )
    assert values["run.target"].value == "llama"
    assert values["run.target"].source == "default: the flywheel's target, or the first player"
    assert values["run.opponents"].value == ["qwen"]


def test_every_key_of_the_models_is_explained(tmp_path: Path) -> None:
    explained_keys = set(explained(tmp_path, TEXT, "ratings.anchor=llama"))
    for key in plan_keys():
        if not key.is_table and key.pattern[0] not in ("flywheel", "cluster"):
            name = {"players": "llama", "judges": "scorer"}.get(key.pattern[0], "")
            assert ".".join(key.pattern).replace("NAME", name) in explained_keys


def test_values_have_a_text_for_people(tmp_path: Path) -> None:
    values = explained(tmp_path, TEXT)
    assert values["run.name"].text == '"spring"'
    assert values["players.llama.endpoints"].text == '["http://localhost:8000/v1"]'
    assert values["run.samples"].text == "1"
    assert (values["run.max_cost"].text, values["run.opponents"].text) == ("-", "-")
