from __future__ import annotations

import pytest

from engine.errors import PlanError, UsageError
from engine.players.base import PlayerSpec
from engine.players.recorded import RecordedPlayer


@pytest.mark.parametrize(
    ("spec", "facts"),
    [
        (PlayerSpec("old"), {"name": "old"}),
        (PlayerSpec("old", model="gpt-4"), {"name": "gpt-4"}),
        (PlayerSpec("old", model="gpt-4", revision="0613"), {"name": "gpt-4", "revision": "0613"}),
    ],
)
def test_an_imported_model_is_known_by_its_name(spec: PlayerSpec, facts: dict[str, str]) -> None:
    identity = RecordedPlayer.from_plan("old", spec).identity()
    assert (identity.kind, identity.facts) == ("name", facts)


def test_what_means_nothing_to_it_is_refused() -> None:
    with pytest.raises(UsageError, match=r"players\.old\.endpoints means nothing"):
        RecordedPlayer.from_plan("old", PlayerSpec("old", endpoints=("http://h/v1",)))
    with pytest.raises(PlanError):
        RecordedPlayer.from_plan("old", PlayerSpec("old", options={"speed": 9}))
