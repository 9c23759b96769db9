"""Answers that speak to a judge: our fences and verdicts imitated, verdicts of other judges' forms, orders to whoever
scores. A pattern names what was seen, not what was meant: an answer about prompt injection is flagged like one."""

from __future__ import annotations

import re
from functools import cache

from engine.judges.fence import BEGIN, END
from engine.judges.reply import VERDICT
from engine.judges.template import load_template, shipped_templates

_FIELDS = "score_first|score_second|preference_second"
_JUDGE = "(?:judge|evaluator|grader|rater|reviewer)"
_ADDRESS = "(?:dear|attention|hello|note to(?: the)?|to the|(?:as|you are) (?:the|an?)(?: impartial)?)"
_SCORING = "(?:scores?|ratings?|grades?|marks?|10|better|best|win|winner|prefer|first|second)"
_ANSWER = "(?:response|answer|reply|output)"
_TOP = "(?:10|ten|highest|maximum|full|perfect|top)"
_ORDER = r"\b(?:give|assign|award|output|return|rate|score|grant)\b"
_WINS = "(?:better|best|winner|superior)"
# Words of which one must stand in a folded text before its pattern is searched there.
_PATTERNS: tuple[tuple[tuple[str, ...], str], ...] = (
    ((VERDICT.lower(),), rf"^[>*` \t]*{VERDICT.lower()}(?:\s+[0-9a-f]{{6,}}\b|\b[^\n]{{0,40}}\{{)"),
    (("score_", "preference_"), rf"[\"'](?:{_FIELDS})[\"']\s*:"),
    (("[[",), r"\[\[\s*(?:a|b|c|a>>b|a>b|a=b|b>a|b>>a)\s*\]\]"),
    (("[[",), r"\b(?:rating|score)\s*:?\s*\[\[\s*\d"),
    (
        ("ignore", "disregard", "forget", "override"),
        r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|preceding|other)\b"
        r"[^.\n]{0,20}\b(?:instruction|prompt|rule|criteri|rubric|direction)",
    ),
    (
        ("judge", "evaluator", "grader", "rater", "reviewer"),
        rf"\b{_ADDRESS} {_JUDGE}s?\s*[:,!.](?=[^\n]{{0,200}}\b{_SCORING}\b)",
    ),
    (
        ("response", "answer", "reply", "output"),
        rf"{_ORDER}[^.\n]{{0,30}}\b(?:this|my|the (?:first|second))\b[^.\n]{{0,20}}\b{_ANSWER}\b"
        rf"[^.\n]{{0,30}}\b{_TOP}\b",
    ),
    (
        ("better", "best", "winner", "superior"),
        r"\b(?:choose|select|pick|prefer|declare|judge|vote for)\b[^.\n]{0,20}\b(?:this|my)\b[^.\n]{0,10}"
        rf"\b{_ANSWER}\b[^.\n]{{0,30}}\b{_WINS}\b",
    ),
)


def is_injected(text: str) -> bool:
    """Whether a text speaks to its judge. Linear time: every pattern is bounded."""
    folded = text.lower()
    if (BEGIN.lower() in folded or END.lower() in folded) and _our_fence().search(folded):
        return True
    return any(
        pattern.search(folded) for hints, pattern in _compiled() if any(hint in folded for hint in hints)
    )


@cache
def _compiled() -> tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]:
    return tuple((hints, re.compile(pattern, re.MULTILINE)) for hints, pattern in _PATTERNS)


@cache
def _our_fence() -> re.Pattern[str]:
    """A fence with a label of a shipped template. Others, such as those of certificates, are no imitation."""
    labels = [load_template(name).labels for name in shipped_templates()]
    names = {name for one in labels for name in (one.system, one.user, one.assistant, one.first, one.second)}
    which = "|".join(re.escape(name.lower()) for name in sorted(names))
    return re.compile(rf"-----(?:begin|end) (?:{which})\b")
