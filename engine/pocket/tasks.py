"""Seeded prompts of the pocket world, in splits that share no prompt.

Which split a conversation belongs to is a property of its text: a hash puts it into one of a hundred buckets and
every split owns buckets of its own. So splits are disjoint whatever seed, size or difficulty they are drawn with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from random import Random

from engine.errors import UsageError
from engine.pocket.ladders import CATEGORIES, DIFFICULTIES, LADDERS
from engine.records import Conversation, Prompt

SLICES: tuple[str, ...] = tuple(f"D{number}" for number in range(10))
_SHARES = {"base": 36, **dict.fromkeys(SLICES, 5), "test": 8, "dev": 6}
"""Percent of all conversations that a split owns. `base` trains the shipped checkpoints."""
SPLITS: tuple[str, ...] = tuple(_SHARES)
_OWNER: tuple[str, ...] = tuple(name for name, share in _SHARES.items() for _ in range(share))
_PATIENCE = 2000
"""Draws without a new prompt after which a category's rung counts as used up in its split."""


def split_of(conversation: Conversation) -> str:
    """The one split that this conversation belongs to."""
    text = "\x1f".join(message.content or "" for message in conversation.messages)
    return _OWNER[int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) % len(_OWNER)]


def draw(category: str, difficulty: int, split: str, rng: Random) -> Conversation:
    """One conversation of a category and difficulty (1 to 10) that belongs to the split.

    Raises:
        LookupError: when the rung is so small that the split seems to own nothing of it.
    """
    rung = LADDERS[category][difficulty - 1]
    for _ in range(_PATIENCE):
        if split_of(conversation := rung(rng)) == split:
            return conversation
    raise LookupError(f"no {category} prompt of difficulty {difficulty} in {split}")


def generate(
    split: str,
    count: int,
    seed: int,
    *,
    difficulties: tuple[int, int] = (1, 10),
    categories: Sequence[str] = CATEGORIES,
) -> tuple[Prompt, ...]:
    """Draw different prompts, spread evenly over categories and difficulties, in shuffled order.

    Args:
        split: one of ``SPLITS``.
        count: how many prompts; a larger count begins with the prompts of a smaller one.
        seed: the same seed gives the same prompts on every machine.
        difficulties: easiest and hardest, both included; a later slice can so be harder.
        categories: which ones, each of ``CATEGORIES``.

    Raises:
        UsageError: for an unknown name or range, or when the split holds fewer such prompts.
    """
    _check(split, difficulties, categories)
    rng = Random(f"pocket {split} {seed}")
    found: dict[Conversation, Prompt] = {}
    cells = [(c, d) for d in range(difficulties[0], difficulties[1] + 1) for c in categories]
    for category, difficulty in _in_turns(cells, rng):
        if len(found) == count:
            break
        conversation = _new(category, difficulty, split, rng, found)
        if conversation is None:
            cells.remove((category, difficulty))
        else:
            name = f"{split}-{seed}-{len(found) + 1:05d}"
            found[conversation] = Prompt(name, conversation, f"pocket:{split}", category, float(difficulty))
    if len(found) < count:
        raise UsageError(
            f"split {split} has only {len(found)} such prompts", mend=f"ask for {len(found)} or fewer"
        )
    return tuple(found.values())


def _check(split: str, difficulties: tuple[int, int], categories: Sequence[str]) -> None:
    if split not in SPLITS:
        raise UsageError(f"unknown split {split!r}", mend=f"one of {', '.join(SPLITS)}")
    if unknown := [name for name in categories if name not in CATEGORIES]:
        raise UsageError(f"unknown category {unknown[0]!r}", mend=f"one of {', '.join(CATEGORIES)}")
    if not (DIFFICULTIES.start <= difficulties[0] <= difficulties[1] < DIFFICULTIES.stop):
        raise UsageError(f"difficulties {difficulties} are no range within 1 to 10")


def _in_turns(cells: list[tuple[str, int]], rng: Random) -> Iterator[tuple[str, int]]:
    """All cells that are left, shuffled, again and again until none is left."""
    while cells:
        yield from rng.sample(cells, len(cells))


def _new(
    category: str, difficulty: int, split: str, rng: Random, known: dict[Conversation, Prompt]
) -> Conversation | None:
    for _ in range(_PATIENCE):
        try:
            conversation = draw(category, difficulty, split, rng)
        except LookupError:
            return None
        if conversation not in known:
            return conversation
    return None


def to_row(prompt: Prompt) -> dict[str, object]:
    """A prompt as one row of ``prompts.jsonl``."""
    messages = () if prompt.conversation is None else prompt.conversation.messages
    return {
        "id": prompt.name,
        "category": prompt.category,
        "difficulty": prompt.difficulty,
        "messages": [{"role": message.role, "content": message.content} for message in messages],
    }


def to_jsonl(prompts: Sequence[Prompt]) -> str:
    """Prompts as JSON lines: id, category, difficulty, messages (an open turn has the content null)."""
    return "".join(json.dumps(to_row(prompt), ensure_ascii=False) + "\n" for prompt in prompts)
