"""Lessons as token ids, in batches of like length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from engine.pocket import tokenizer
from engine.pocket.curriculum import Lesson
from engine.records import Conversation

BATCH_SIZE = 64
BATCHES_PER_POOL = 8
"""Lessons are drawn for so many batches at once and sorted by length, which saves padding."""
PAD_ID = tokenizer.vocabulary()[tokenizer.PAD]


class Encoder:
    """Conversations to token ids, as the chat template has them. Needs the `tokenizers` library."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer

        with TemporaryDirectory() as folder:
            tokenizer.write(Path(folder))
            self._tokens = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        ids = tokenizer.vocabulary()
        self._end = ids[tokenizer.END]
        self._roles = {"user": ids[tokenizer.USER], "assistant": ids[tokenizer.ASSISTANT]}

    def turn(self, role: str, text: str) -> list[int]:
        """One whole turn: its role, its text, its end."""
        return [*self.opening(role), *self._tokens.encode(text).ids, self._end]

    def opening(self, role: str = "assistant") -> list[int]:
        """What a turn begins with, and an open one consists of."""
        return [self._roles[role]]

    def lesson(self, conversation: Conversation, answers: Sequence[str]) -> tuple[list[int], list[bool]]:
        """Ids of the whole conversation, and which of them are answers (with their end) to open turns."""
        ids: list[int] = []
        learnt: list[bool] = []
        texts = iter(answers)
        for message in conversation.messages:
            turn = self.turn(message.role, next(texts) if message.content is None else message.content)
            ids += turn
            learnt += [False] + [message.content is None] * (len(turn) - 1)
        return ids, learnt

    def text(self, ids: Sequence[int]) -> str:
        """The text without special tokens."""
        decoded: str = self._tokens.decode(ids)
        return decoded


def batches(
    lesson: Callable[[Random], Lesson], rng: Random
) -> Iterator[tuple[list[list[int]], list[list[bool]]]]:
    """Token ids and which of them are learnt, BATCH_SIZE rows each, padded on the right; without end."""
    encoder = Encoder()
    while True:
        rows = [encoder.lesson(*lesson(rng)) for _ in range(BATCH_SIZE * BATCHES_PER_POOL)]
        rows.sort(key=lambda row: len(row[0]))
        starts = list(range(0, len(rows), BATCH_SIZE))
        rng.shuffle(starts)
        for start in starts:
            yield _pad_right(rows[start : start + BATCH_SIZE])


def _pad_right(rows: Sequence[tuple[list[int], list[bool]]]) -> tuple[list[list[int]], list[list[bool]]]:
    width = max(len(ids) for ids, _ in rows)
    ids = [row + [PAD_ID] * (width - len(row)) for row, _ in rows]
    learnt = [row + [False] * (width - len(row)) for _, row in rows]
    return ids, learnt


def pad_left(rows: Sequence[list[int]]) -> list[list[int]]:
    """Rows of the longest one's length, padded on the left as generation wants them."""
    width = max(map(len, rows))
    return [[PAD_ID] * (width - len(row)) + row for row in rows]
