"""Which answers a judge was shown, read from the prompt that it was sent.

A judgment names a model and a question, not an answer, and a model's answers may have been made anew since it was
judged. The prompt quotes what was judged, between the lines of FastChat's judge templates (judge_prompts.jsonl).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from engine.formats.benches.questions import Bench
from engine.formats.dialogues import turns_of
from engine.formats.entry import Record
from engine.formats.fields import FieldError, identifier
from engine.formats.sources import Source
from engine.records import Turn

Quotes = dict[tuple[str, str, str], set[tuple[str, ...]]]
"""(model, question, first answer) -> the whole conversations that were quoted with it."""


def quoted(prompt: Any, side: str) -> tuple[str, ...]:
    """The answers of one side in a judge's prompt: of one turn, or of two; empty where none can be told.

    Args:
        side: `` where one model is judged alone, ` A` or ` B` in a pair.
    """
    if not isinstance(prompt, str):
        return ()
    answer = _between(
        prompt, f"[The Start of Assistant{side}'s Answer]\n", f"\n[The End of Assistant{side}'s Answer]"
    )
    if answer is not None:
        return (answer,)
    name = side or " A"
    conversation = _between(
        prompt,
        f"<|The Start of Assistant{name}'s Conversation with User|>\n",
        f"\n\n<|The End of Assistant{name}'s Conversation with User|>",
    )
    if conversation is None:
        return ()
    parts = conversation.split(f"\n\n### Assistant{name}:\n")
    if len(parts) != 3:  # an answer that writes such a line itself
        return ()
    first, mark, _ = parts[1].partition("\n\n### User:\n")
    return (first, parts[2]) if mark and parts[1].count(mark) == 1 else ()


def _between(text: str, start: str, end: str) -> str | None:
    _, mark, rest = text.partition(start)
    inside, last, _ = rest.rpartition(end)
    return inside if mark and last else None


def quotes_of(source: Source) -> Quotes:
    """The conversations of two turns that a file of single judgments quotes: a judgment of a first turn quotes that
    turn only, and its second stands in another row."""
    quotes: Quotes = {}
    for entry in source.entries():
        if isinstance(entry, Record):
            answers = quoted(entry.value.get("user_prompt"), "")
            if len(answers) > 1:
                with suppress(FieldError):  # the row itself is set aside where it is read
                    question = identifier(entry.value.get("question_id"), "question_id")
                    key = (str(entry.value.get("model")), question, answers[0])
                    quotes.setdefault(key, set()).add(answers)
    return quotes


def judged_answer(
    bench: Bench,
    model: str,
    question: str,
    answers: Sequence[str],
    quotes: Iterable[tuple[str, ...]] = (),
) -> tuple[Turn, ...] | None:
    """The response that was judged, whole where it can be told.

    Args:
        answers: what the judge's prompt quotes of it; empty where it has none.
        quotes: whole conversations that were quoted with the same first answer.

    Returns:
        The stored answer when it is the quoted one; else the quoted one, completed by the only conversation that
        begins so, or as far as it is quoted. None where nothing is quoted: whatever is stored is meant.
    """
    stored = bench.answers.get((model, question))
    if not answers:
        return stored
    if stored is not None and [turn.answer for turn in stored[: len(answers)]] == list(answers):
        return stored
    whole = list(quotes)
    return turns_of(whole[0] if len(whole) == 1 else tuple(answers))
