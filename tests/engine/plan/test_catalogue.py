"""The models document themselves, and the package's front page is complete."""

from __future__ import annotations

import importlib

import pytest

from engine import plan as package
from engine.plan import plan_keys
from engine.plan.catalogue import nearest_key, pattern_of
from engine.plan.document import Document


@pytest.mark.parametrize("key", plan_keys(), ids=str)
def test_every_key_says_what_it_is_for_in_one_sentence(key: package.PlanKey) -> None:
    assert key.description.endswith(".")
    assert key.description[0].isupper() or key.description.startswith(("sft", "{"))
    assert key.type


# CONTRACT: the keys of a plan, by table.
AGREED = {
    "run": "name seed arena mode outcome_rule samples max_cost max_tokens max_calls stop_after on_cut on_event mirror",
    "prompts": "set file categories split limit",
    "players.NAME": "kind model revision endpoints serve api_key_env price_in price_out python sampling options",
    "judges.NAME": "kind model revision endpoints serve api_key_env price_in price_out python sampling options "
    "template tokenizer games",
    "ratings": "anchor n_resamples over",
    "flywheel": "base target opponents rounds test slices stop",
    "flywheel.stage": "kind slices min_gap pairs start reference options",
    "cluster": "engine address nodes gpus_per_node",
}
ADDED = {
    "run": "target opponents",
    "judges.NAME": "tries",
    "ratings": "max_invalid",
    "flywheel": "refight stage",
}


def test_what_a_key_takes_is_said_as_people_write_it() -> None:
    takes = {str(key): key.type for key in package.plan_keys()}
    assert takes["run.seed"] == "integer"
    assert takes["run.stop_after"] == "duration, such as 3h50m, or seconds"
    assert takes["players.NAME.endpoints"] == "URL, or list of URLs"


def test_defaults_for_people() -> None:
    texts = {key.key: key.default_text for key in plan_keys()}
    assert texts["run.samples"] == "1"
    assert texts["run.mode"] == '"round-robin"'
    assert texts["run.arena"] == "", "it follows from the name"
    assert texts["run.max_cost"] == ""
    assert texts["players.NAME.kind"] == "required"


@pytest.mark.parametrize("table", AGREED)
def test_the_keys_are_those_that_were_agreed_on(table: str) -> None:
    pattern = tuple(table.split("."))
    keys = {key.name for key in plan_keys() if key.pattern[:-1] == pattern}
    assert keys == set(AGREED[table].split()) | set(ADDED.get(table, "").split())


@pytest.mark.parametrize(
    ("path", "near"),
    [
        (("run", "sead"), "seed"),
        (("run", "model"), "mode"),
        (("run", "temperature"), "players.NAME.sampling.temperature"),
        (("players", "my name", "tempelate"), None),
        (("judges", "j", "tempelate"), "template"),
        (("players", "p", "sampling", "Temperature"), "temperature"),
        (("flywheel", "stage", 3, "mingap"), "min_gap"),
        (("player",), "players"),
        (("zzz",), None),
    ],
)
def test_nearest_keys(path: tuple[str | int, ...], near: str | None) -> None:
    assert nearest_key(path) == near


def test_patterns_know_no_names_and_no_places() -> None:
    assert pattern_of(("players", "a", "endpoints", 0)) == ("players", "NAME", "endpoints")
    assert pattern_of(("flywheel", "stage", 2, "kind")) == ("flywheel", "stage", "kind")


def test_the_front_page_is_sorted_and_exported() -> None:
    assert package.__all__ == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert importlib.import_module("engine.plan.document").Document is Document
