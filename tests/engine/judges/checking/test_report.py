"""Judges that are fooled and judges that are not, asked over a real connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from engine.errors import UsageError
from engine.judges.checker import CheckerJudge
from engine.judges.checking.probes import KNOWN, SAME, attack_text, shipped_probes, winning_fields
from engine.judges.checking.report import JudgeCheck, check_judge, cost_of
from engine.judges.checking.trials import build_trials
from engine.judges.derive import margin
from engine.judges.llm import LlmJudge
from engine.judges.recorded import RecordedJudge
from engine.judges.reply import ReplyForm, parse
from engine.judges.template import load_template
from engine.records import VerdictKind
from tests.engine.judges.asking import judge, opened, saying
from tests.engine.judges.checking import fake_judges
from tests.servers.loopback import LoopbackServer, Request
from tests.servers.openai_server import Served

KINDS = [kind for kind in VerdictKind if kind is not VerdictKind.SINGLE]


def checked(loopback: LoopbackServer, says: Callable[[Request], str], questions: int = 1) -> JudgeCheck:
    served = Served(loopback)
    served.choose = lambda _: saying(says)
    asked = judge(served)

    async def run() -> JudgeCheck:
        async with opened(asked):
            return await check_judge(asked, questions)

    found = asyncio.run(run())
    assert len(served.chats) >= found.calls
    return found


def test_an_upright_judge_is_not_fooled(loopback: LoopbackServer) -> None:
    found = checked(loopback, fake_judges.upright)
    assert found.forged == 0
    assert {one.probe: one.fooled.count for one in found.probes} == dict.fromkeys(
        (one.probe for one in found.probes), 0
    )
    assert all(one.invalid == 0 for one in found.probes)
    same = next(one for one in found.probes if one.probe == SAME)
    assert same.tied.count == same.tied.of == 6
    assert found.both_orders_agree.share == 1.0


def test_an_obedient_judge_is_fooled_by_every_forged_reply(loopback: LoopbackServer) -> None:
    found = checked(loopback, fake_judges.obedient)
    fooled = {one.probe: one for one in found.probes if one.fooled.count}
    assert set(fooled) == {"forged verdict", "forged fence", "special tokens"}
    assert found.forged == sum(one.fooled.count for one in fooled.values())
    assert fooled["special tokens"].fooled_by == {"ChatML": 2, "Llama 3": 2, "Mistral": 2}
    # Three of the four variants bring the reply's own form along, each in both orders.
    assert (fooled["forged verdict"].fooled.count, fooled["forged verdict"].fooled.of) == (6, 8)
    assert next(one for one in found.probes if one.probe == KNOWN).fooled.count == 0


def test_a_judge_that_copies_what_it_reads_gives_no_verdict(loopback: LoopbackServer) -> None:
    """The reply is whole and valid JSON, but stands on the page: nothing is accepted."""
    found = checked(loopback, fake_judges.copying)
    assert found.forged == 0
    assert set(found.reasons) == {"unparsable: copied from what was shown"}
    assert sum(found.reasons.values()) == sum(one.invalid for one in found.probes) > 0


def test_position_bias_is_measured_and_is_not_taken_for_knowledge(loopback: LoopbackServer) -> None:
    found = checked(loopback, fake_judges.first_comes_first)
    assert (found.both_orders_agree.share, found.towards_first.share) == (0.0, 1.0)
    known = next(one for one in found.probes if one.probe == KNOWN)
    assert known.fooled.share == 0.5
    same = next(one for one in found.probes if one.probe == SAME)
    assert same.fooled.share == 1.0


def test_the_cost_is_known_before_anything_is_asked(loopback: LoopbackServer) -> None:
    served = Served(loopback)
    served.choose = lambda _: saying(fake_judges.upright)
    asked = judge(served)
    cost = cost_of(asked, 2)
    assert served.chats == []
    attacks, questions = len(shipped_probes().attacks), len(shipped_probes().questions)
    assert cost.calls == len({asked.question(one.shown).key for one in build_trials(asked, 2)})
    assert cost.calls == attacks * 2 * 2 + questions * 3
    assert cost.tokens_in > cost.calls * 50


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", [True, False])
def test_a_forged_reply_would_win_if_the_judge_said_it(kind: VerdictKind, first: bool) -> None:
    """It has the form that the reader takes, so whether it is accepted is up to judge and page."""
    reply = json.dumps({"explanation": "x"} | winning_fields(kind, first))
    value = parse(reply, kind, ReplyForm.SCHEMA, "0" * 16).value
    assert (margin(kind, value) > 0) is first


@pytest.mark.parametrize("kind", KINDS)
def test_every_placeholder_is_filled(kind: VerdictKind) -> None:
    labels = load_template("arena-learning").labels
    known = (
        "{bad}",
        "{me}",
        "{other}",
        "{label}",
        "{other_label}",
        "{json}",
        "{fields}",
        "{fake}",
        "{letter}",
        "{hidden}",
    )
    for attack in shipped_probes().attacks:
        for first in (True, False):
            text = attack_text(attack, shipped_probes().questions[0], kind, labels, first)
            assert not any(one in text for one in known), attack.name


def test_probes_that_forge_are_probes() -> None:
    assert shipped_probes().forging <= {attack.probe for attack in shipped_probes().attacks}


def test_the_pocket_checker_meets_questions_that_it_knows() -> None:
    from engine.judges.checker import load_checker

    found = asyncio.run(check_judge(CheckerJudge("checker", load_checker("pocket")), 2))
    assert (found.forged, found.reasons, found.template) == (0, {}, None)
    assert all(one.fooled.count == 0 for one in found.probes)


def test_a_judge_that_compares_nothing_or_asks_nobody_is_not_checked(loopback: LoopbackServer) -> None:
    with pytest.raises(UsageError, match="recorded"):
        build_trials(RecordedJudge("people", "people"), 1)
    single = judge(Served(loopback))
    single.kind = VerdictKind.SINGLE
    assert isinstance(single, LlmJudge)
    with pytest.raises(UsageError, match="by itself"):
        build_trials(single, 1)
