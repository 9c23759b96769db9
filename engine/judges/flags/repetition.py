"""Answers that a player gives whatever it is asked: null models (arXiv 2410.07137). Pure: texts in, shares out.

An answer is cut into its runs of three words. Those that stand in its own prompt are left out, so that echoing the
prompt hides nothing. A run is common when the player's answers to enough other prompts have it. An answer whose runs
are mostly common, or which begins as many others do, says nothing about its prompt. Word runs are an exact form of
what MinHash estimates, and a paraphrase that changes every tenth word leaves most of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

RUN = 3
"""Words of a run."""
COMMON = 0.05
"""Share of the other prompts from which on a run, or a beginning, is common."""
LEAST = 3
"""Other prompts that it takes at least, whatever the share."""
CONSTANT = 0.5
"""Share of common runs from which on an answer is constant. Of 32,199 answers of 40 real models the highest is 0.33."""
SHORT = 8
"""Runs below which an answer is short: yes, no and the letters of a choice are rightly given again and again, so its
runs are common from half of the other prompts on."""
COMMON_SHORT = 0.5
OPENING = 100
"""Characters of a beginning. Of those 40 models none begins more than 2 of 805 answers with the same ones."""
MOST_SAMPLED = 1_000
"""Responses that a player's habits are learned from: enough to see 5 %, and a bound on the cost at any size."""

# A letter of a script without spaces is a word of its own.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
_MIX = np.uint64(0x9E3779B97F4A7C15)
_STIR = np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer.

    Attributes:
        prompt_id: of what it answers; two answers to one prompt are no repetition.
        prompt, answer: their whole texts.
    """

    prompt_id: int
    prompt: str
    answer: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """How far an answer is what its player says anyway.

    Attributes:
        runs: word runs of the answer that are not in its prompt.
        common: 0..1 of these that are common.
        same_opening: other prompts whose answers begin with the same 100 characters.
        others: other prompts that it was held against.
    """

    runs: int
    common: float
    same_opening: int
    others: int

    @property
    def is_constant(self) -> bool:
        """Whether the answer counts as given whatever is asked."""
        if self.others < LEAST:
            return False
        return self.common >= CONSTANT or self.same_opening >= _needed(self.others, COMMON)


def _needed(others: int, share: float) -> float:
    return max(float(LEAST), share * others)


@dataclass(slots=True)
class Habits:
    """What a player says to how many prompts, learned from answers of it.

    Attributes:
        prompts: the prompts that it was learned from.
    """

    prompts: frozenset[int] = frozenset()
    _runs: Hashes = field(default_factory=lambda: np.empty(0, np.uint64))
    _counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    _openings: Counter[str] = field(default_factory=Counter)
    _seen: set[tuple[int, str]] = field(default_factory=set)
    _kept: dict[tuple[int, str], Hashes] = field(default_factory=dict)
    _by_prompt: dict[int, Hashes] = field(default_factory=dict)

    @classmethod
    def learn(cls, answers: Sequence[Answered]) -> Habits:
        """From a player's answers, one or more to each of many prompts."""
        habits = cls(frozenset(one.prompt_id for one in answers))
        by_prompt: dict[int, list[Hashes]] = {}
        for one in answers:
            own = habits._kept[one.prompt_id, one.answer] = habits._own_runs(one)
            by_prompt.setdefault(one.prompt_id, []).append(own)
        habits._by_prompt = {number: np.unique(np.concatenate(some)) for number, some in by_prompt.items()}
        if once := list(habits._by_prompt.values()):
            habits._runs, habits._counts = np.unique(np.concatenate(once), return_counts=True)
        habits._seen = {(one.prompt_id, start) for one in answers if (start := opening(one.answer))}
        habits._openings = Counter(start for _, start in habits._seen)
        return habits

    def of(self, one: Answered) -> Repeated:
        """How far an answer, one of those that were learned from or another, is a habit."""
        own = self._own_runs(one)
        others = len(self.prompts) - (one.prompt_id in self.prompts)
        share = COMMON if own.size >= SHORT else COMMON_SHORT
        elsewhere = self._counted(own) - self._is_counted_for(one.prompt_id, own)
        common = float((elsewhere >= _needed(others, share)).mean()) if own.size else 0.0
        start = opening(one.answer)
        same = self._openings[start] - ((one.prompt_id, start) in self._seen) if start else 0
        return Repeated(int(own.size), common, same, others)

    def _counted(self, runs: Hashes) -> npt.NDArray[np.int64]:
        """How many prompts' answers have each run."""
        if not self._runs.size:
            return np.zeros(runs.size, np.int64)
        place, known = _found(runs, self._runs)
        return np.where(known, self._counts[place], 0)

    def _is_counted_for(self, prompt_id: int, runs: Hashes) -> npt.NDArray[np.bool_]:
        """Whether answers to this prompt, of those that were learned from, have each run."""
        learned = self._by_prompt.get(prompt_id)
        if learned is None or not learned.size:
            return np.zeros(runs.size, np.bool_)
        return _found(runs, learned)[1]

    def _own_runs(self, one: Answered) -> Hashes:
        """The answer's runs that are not in its prompt, each once."""
        kept = self._kept.get((one.prompt_id, one.answer))
        if kept is not None:
            return kept
        runs, asked = np.unique(_hashed(one.answer)), np.unique(_hashed(one.prompt))
        return runs[~_found(runs, asked)[1]] if asked.size else runs


def _found(values: Hashes, among: Hashes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The place of each value among others, which are sorted and not none, and whether it is there."""
    place = np.minimum(np.searchsorted(among, values), among.size - 1)
    return place, among[place] == values


def _hashed(text: str) -> Hashes:
    """(n,) hashes of the runs of a text; of a text of less than three words, of all of it as one."""
    found: list[str] = _WORD.findall(text.lower()) or ([text.strip()] if text.strip() else [])
    words = np.fromiter(map(hash, found), np.int64, len(found)).view(np.uint64)
    width = min(RUN, words.size)
    runs = np.full(words.size - width + 1 if width else 0, np.uint64(width))
    for place in range(width):
        runs = (runs * _MIX + words[place : place + runs.size]) * _STIR
        runs ^= runs >> np.uint64(29)
    return runs


def opening(text: str) -> str:
    """The first characters of an answer, white space as one blank; nothing where it has fewer."""
    start = " ".join(text[: 4 * OPENING].split())[:OPENING]
    return start if len(start) == OPENING else ""
