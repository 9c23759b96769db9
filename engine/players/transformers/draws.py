"""Uniform numbers that depend on a seed and a step alone, so that a row's draws never depend on its batch.

A counter-based generator: the pair (seed, step) is one 64-bit number, mixed twice by the finaliser of SplitMix64
(Steele, Lea and Flood, OOPSLA 2014; Stafford's mix 13), of which the upper 53 bits are a double in 0..1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SEEDS = 2**32


def uniforms(seeds: npt.NDArray[np.uint64], first_step: int, steps: int) -> npt.NDArray[np.float64]:
    """Draws in 0 <= u < 1 of shape (seeds, steps), for steps from `first_step` on. Seeds are below SEEDS."""
    counters = np.arange(first_step, first_step + steps, dtype=np.uint64)
    mixed = _mix(_mix((seeds[:, None] << np.uint64(32)) | counters[None, :]))
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)), dtype=np.uint64)
