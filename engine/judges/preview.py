"""One question as a person may read it before anything is spent: what the judge gets, and in what form it answers.

The text holds texts of models exactly; whoever prints it makes it inert, as all text of models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from engine.judges.base import Shown
from engine.judges.llm import LlmJudge
from engine.judges.neutralise import Neutralised


def preview(judge: LlmJudge, shown: Shown) -> str:
    """The messages with the nonce as its placeholder, and the facts around them.

    Args:
        judge: opened, since the form of the reply is settled then.
    """
    return "\n".join(_lines(judge, shown)) + "\n"


def _lines(judge: LlmJudge, shown: Shown) -> Iterator[str]:
    template, question = judge.template, judge.question(shown)
    yield f"judge     {judge.name}  {judge.key()}"
    yield f"template  {template.name} version {template.version}  {template.hash}"
    yield f"verdict   {template.kind.value}  {question.key}"
    yield f"games     {judge.games}{' (both orders)' if judge.games == 2 else ''}"
    yield f"changed   {_changed(judge.rendering(shown).changed)}"
    yield f"length    {sum(len(message.content or '') for message in question.messages)} characters"
    for message in question.messages:
        yield f"\n[{message.role}]"
        yield message.content or ""
    schema = judge.schema()
    yield "\n[reply]"
    yield "ends in a verdict line" if schema is None else json.dumps(schema, indent=2)


def _changed(changed: Neutralised) -> str:
    counts = {
        "hidden characters": changed.hidden,
        "special tokens": changed.special,
        "fence-like lines": changed.fences,
    }
    said = [f"{what}: {count}" for what, count in counts.items() if count]
    return f"made visible for the judge: {', '.join(said)}" if said else "nothing"
