"""Texts as vectors of weighted words (TF-IDF). numpy alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]

_WORD = re.compile(r"\w+")


def tf_idf(texts: Sequence[str], n_features: int) -> Matrix:
    """(n_texts, at most n_features) rows of length 1, or all 0 where a text has none of the words.

    The words are those that most texts have, but for the ones that all have; equal ones in the order of the alphabet.
    Weights are counts times 1 + ln((1 + n) / (1 + df)), as in scikit-learn's smooth form.
    """
    counted = [Counter(_WORD.findall(text.casefold())) for text in texts]
    frequency = Counter(word for words in counted for word in words)
    some = [(word, n) for word, n in frequency.items() if n < len(texts)]
    kept = sorted(some, key=lambda item: (-item[1], item[0]))[:n_features]
    places = {word: place for place, (word, _) in enumerate(kept)}
    weights = np.array([1 + np.log((1 + len(texts)) / (1 + n)) for _, n in kept], np.float32)
    matrix = np.zeros((len(texts), max(1, len(kept))), np.float32)
    for row, words in enumerate(counted):
        for word in words.keys() & places.keys():
            matrix[row, places[word]] = words[word] * weights[places[word]]
    return _unit(matrix)


def _unit(matrix: Matrix) -> Matrix:
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: Matrix = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 0)
    return unit
