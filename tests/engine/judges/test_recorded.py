"""The recorded judge: keys of what an import stored, and nobody asked."""

from __future__ import annotations

import pytest

from engine import keys
from engine.errors import UsageError
from engine.judges.base import JudgeSpec
from engine.judges.recorded import RecordedJudge
from engine.records import VerdictKind, VerdictStatus
from tests.engine.judges.asking import ask
from tests.engine.judges.shown import shown


def judge(**entry: object) -> RecordedJudge:
    return RecordedJudge.from_plan("people", JudgeSpec("people", **entry))  # type: ignore[arg-type]


def test_what_is_not_in_the_store_is_failed() -> None:
    (verdict,) = ask(judge(), shown(turn=1))
    assert (verdict.status, verdict.reason, verdict.turn) == (VerdictStatus.FAILED, "not recorded", 1)
    assert verdict.value is None


def test_its_keys_are_those_of_imports() -> None:
    key = keys.judge_key("recorded", {"name": "people"}, None, None)
    assert judge().key() == key
    question = judge().question(shown(turn=1))
    assert question.key == keys.compared_verdict_key(key, "p1:p", "r1:f", "r1:s", 1)
    assert judge(model="crowd").key() == keys.judge_key("recorded", {"name": "crowd"}, None, None)


def test_kind_and_games() -> None:
    assert (judge().kind, judge().games) == (VerdictKind.SCORES, 1)
    other = judge(games=2, options={"verdicts": "preference"})
    assert (other.kind, other.games) == (VerdictKind.PREFERENCE, 2)


def test_what_means_nothing_is_said() -> None:
    with pytest.raises(UsageError, match=r"judges\.people\.endpoints means nothing"):
        judge(endpoints=("http://h/v1",))
