"""What a plan says to a plug-in is checked by the plug-in's own model."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pydantic import Field

from engine.errors import PlanError, UsageError
from engine.plugin_options import PluginOptions, read_options, refuse
from engine.plugins import Group


class SomeOptions(PluginOptions):
    batch: int = Field(8, ge=1)


def test_options_are_read_by_their_model() -> None:
    assert read_options(SomeOptions, Group.PLAYERS, "llama", {}).batch == 8
    assert read_options(SomeOptions, Group.PLAYERS, "llama", {"batch": 2}).batch == 2


def test_all_that_is_wrong_is_told_at_its_key_with_the_nearest() -> None:
    with pytest.raises(PlanError, match="the options of judge 'eve' are wrong") as raised:
        read_options(SomeOptions, Group.JUDGES, "eve", {"batch": 0, "bach": 1})
    found = {problem.key: problem.nearest for problem in raised.value.problems}
    assert found == {"judges.eve.options.batch": None, "judges.eve.options.bach": "batch"}


def test_a_field_that_means_nothing_is_refused_and_one_that_is_not_set_is_not() -> None:
    spec = SimpleNamespace(endpoints=("http://localhost:1/v1",), revision=None)
    refuse(Group.PLAYERS, "recorded", "llama", spec, "revision")
    with pytest.raises(UsageError, match="endpoints means nothing to a player of kind 'recorded'"):
        refuse(Group.PLAYERS, "recorded", "llama", spec, "revision", "endpoints")
