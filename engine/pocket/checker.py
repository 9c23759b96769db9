"""Scores of 1 to 10 for answers to the pocket world's prompts, from the prompt's own words alone.

10 is the right answer and nothing else; what is nearly right gets more than what is not (see ``turn_score``).
Pure functions, without a model: a hundred thousand answers take a few seconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.pocket import forms
from engine.records import Conversation, Message

RIGHT = 10
WRONG = 1
_ENDLESS = 16
"""An answer so many times longer than the right one earns nothing; keeps endless ones from costing time."""
_NUMBER = re.compile(r"-?\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Grade:
    """What the checker says of one response.

    Attributes:
        score: mean of the turns' scores, 1 to 10.
        turn_scores: one per open turn, whole numbers from 1 to 10.
        explanation: one sentence per open turn.
    """

    score: float
    turn_scores: tuple[int, ...]
    explanation: str


def right_answers(conversation: Conversation) -> tuple[str, ...]:
    """The right answer of each open turn, recomputed from the conversation.

    A follow-up speaks of the answer before it: the given one where one was given, else the right one.

    Raises:
        ValueError: for a conversation that the pocket world did not make.
    """
    answers, latest = [], ""
    for question, turn in _exchanges(conversation):
        right = _solve(question, latest)
        latest = right if turn.content is None else turn.content
        if turn.content is None:
            answers.append(right)
    return tuple(answers)


def is_pocket_prompt(conversation: Conversation) -> bool:
    """Whether ``check`` knows the answer to this conversation."""
    try:
        right_answers(conversation)
    except ValueError:
        return False
    return True


def check(conversation: Conversation, answers: Sequence[str]) -> Grade:
    """Grade one response.

    Args:
        conversation: a prompt of the pocket world.
        answers: the response's texts, one per open turn, in order.

    Raises:
        ValueError: for a conversation that the pocket world did not make, or another number of texts.
    """
    right = right_answers(conversation)
    if len(right) != len(answers):
        raise ValueError(f"{len(right)} open turns, {len(answers)} answers")
    scores = tuple(turn_score(want, got) for want, got in zip(right, answers, strict=True))
    sentences = (_explain(want, got, score) for want, got, score in zip(right, answers, scores, strict=True))
    return Grade(sum(scores) / len(scores), scores, " ".join(sentences))


def turn_score(right: str, answer: str) -> int:
    """10 for the right answer (white space around it is ignored), else 1 to 8, rounded.

    A wrong number loses by its distance, 1 + 7 * max(0, 1 - abs(right - number) / (abs(right) + 1)); a wrong text
    by its edit distance, 1 + 7 * (1 - edits / length of the longer text).
    """
    answer = answer.strip()
    if answer == right:
        return RIGHT
    if _NUMBER.fullmatch(right) and _NUMBER.fullmatch(answer):
        lost = abs(int(right) - int(answer)) / (abs(int(right)) + 1)
    elif len(answer) > _ENDLESS * len(right):
        lost = 1.0
    else:
        lost = edit_distance(right, answer) / max(len(right), len(answer))
    return WRONG + round(7 * max(0.0, 1 - lost))


def edit_distance(first: str, second: str) -> int:
    """How many insertions, deletions and replacements turn one text into the other (Levenshtein)."""
    row = list(range(len(second) + 1))
    for place, wanted in enumerate(first, start=1):
        diagonal, row[0] = row[0], place
        for column, letter in enumerate(second, start=1):
            above = row[column]
            row[column] = min(above + 1, row[column - 1] + 1, diagonal + (wanted != letter))
            diagonal = above
    return row[-1]


def _exchanges(conversation: Conversation) -> list[tuple[str, Message]]:
    turns = [message for message in conversation.messages if message.role != "system"]
    questions, replies = turns[::2], turns[1::2]
    if any(message.role != "user" for message in questions) or len(questions) != len(replies):
        raise ValueError("a pocket conversation is user and assistant turns by turns")
    return [(question.content or "", reply) for question, reply in zip(questions, replies, strict=True)]


def _solve(question: str, latest: str) -> str:
    known = forms.read(question)
    if known is None:
        raise ValueError(f"not a question of the pocket world: {question[:60]!r}")
    form, fields = known
    return form.solve(latest, *fields) if form.follow_up else form.solve(*fields)


def _explain(right: str, answer: str, score: int) -> str:
    if score == RIGHT:
        return f"Right: {right}."
    shown = answer.strip()
    if not shown:
        return f"Nothing was answered; right is {right}."
    return f"Wrong: {shown[:40]}{'...' if len(shown) > 40 else ''}; right is {right}."
