"""The Bradley-Terry likelihood of many samples at once, and its maximum by damped Newton steps.

Bradley and Terry 1952: P(a beats b) = 1 / (1 + exp(theta_b - theta_a)), here for S samples of battles between the
same n models. With N the (n, n) battles of each pair and w the (n,) wins of each model, ties half, the gradient is
w_i - sum_j N_ij p_ij and the Hessian minus the Laplacian of the graph with weights N_ij p_ij p_ji.
"""

from __future__ import annotations

import numpy as np

from engine.ratings.cells import BoolArray, FloatArray, IntArray

# exp(theta) must not overflow: no rating lies further than this from the mean, in natural units (59,000 Elo).
_FARTHEST = 340.0
_MAX_STEPS = 200


def square(n: int, a: IntArray, b: IntArray, values: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """(S, n, n) symmetric matrices that hold `values` (S, P) at the pairs (a, b), and what `out` held elsewhere.

    Args:
        out: at least S such matrices to write into; new ones of zeros by default.
    """
    matrix = np.zeros((len(values), n, n)) if out is None else out[: len(values)]
    flat = matrix.reshape(len(values), n * n)
    flat[:, a * n + b] = values
    flat[:, b * n + a] = values
    return matrix


def gradient(
    battles: FloatArray, wins: FloatArray, theta: FloatArray, scratch: FloatArray | None = None
) -> FloatArray:
    """(S, n) gradient of the log-likelihood at `theta` (S, n); `battles` (S, n, n), `wins` (S, n).

    Args:
        scratch: at least S (n, n) matrices to compute in. Getting such memory anew can take longer than the sums.
    """
    strength = _strength(theta)
    share = np.empty_like(battles) if scratch is None else scratch[: len(battles)]
    np.add(strength[:, :, None], strength[:, None, :], out=share)
    np.divide(battles, share, out=share)
    slope: FloatArray = wins - strength * share.sum(axis=2)
    return slope


def curvature(battles: FloatArray, theta: FloatArray) -> FloatArray:
    """(S, n, n) minus the Hessian at `theta` (S, n): Laplacians with weights N_ij p_ij p_ji."""
    strength = _strength(theta)
    weight = battles / (strength[:, :, None] + strength[:, None, :]) ** 2
    weight *= strength[:, :, None] * strength[:, None, :]
    return laplacian(weight)


def laplacian(weight: FloatArray) -> FloatArray:
    """(S, n, n) Laplacians of graphs with the edge weights `weight` (S, n, n), whose diagonals are zero."""
    matrix = -weight
    diagonal = np.arange(weight.shape[1])
    matrix[:, diagonal, diagonal] = weight.sum(axis=2)
    return matrix


def grounded(curvature: FloatArray, free: BoolArray) -> FloatArray:
    """Make Laplacians regular without changing what they do to centred vectors of the free models.

    The free models must be connected, the others isolated: those get a unit diagonal, and the free ones a constant
    matrix that fixes their mean, as large as the mean of their diagonal.

    Args:
        curvature: (S, n, n) Laplacians.
        free: (S, n) models that are fitted.
    """
    diagonal = np.arange(curvature.shape[1])
    matrix = curvature.copy()
    matrix[:, diagonal, diagonal] += ~free
    size = free.sum(axis=1)
    total = np.where(free, curvature[:, diagonal, diagonal], 0).sum(axis=1)
    level = np.where(total > 0, total, 1) / np.maximum(size, 1) ** 2
    matrix += level[:, None, None] * (free[:, :, None] & free[:, None, :])
    return matrix


def centred_inverse(curvature: FloatArray) -> FloatArray:
    """(n, n) pseudo-inverse of the Laplacian of a connected graph: the inverse on vectors of mean zero."""
    n = len(curvature)
    level = np.trace(curvature) / n**2 or 1.0
    inverse: FloatArray = np.linalg.inv(curvature + level) - 1 / (level * n**2)
    return inverse


def maximise(
    battles: FloatArray, wins: FloatArray, free: BoolArray, start: FloatArray, tolerance: float
) -> FloatArray:
    """(S, n) maxima of the likelihoods, the free models of each sample with mean zero, the others zero.

    A Newton step d long (the widest change between two models) is cut to log(1 + d) / d of it, with which Newton's
    method converges from any start on the likelihood of a logistic model (Sun and Tran-Dinh 2018, Generalized
    self-concordant functions, case nu = 2) and still squares its error in the end.

    Args:
        battles: (S, n, n) battles of each pair of free models, zero for others.
        wins: (S, n) wins of each free model, ties half, zero for others.
        free: (S, n) models to fit, strongly connected in each sample (see `identifiability`).
        start: (S, n) where to begin.
        tolerance: largest step, in natural units, after which a sample is done; what is left is about its square.

    Raises:
        ArithmeticError: when a maximum is too far away to be told from infinity.
    """
    theta = _centred(start, free)
    open_samples = np.arange(len(theta))
    for _ in range(_MAX_STEPS):
        part, where = battles[open_samples], free[open_samples]
        slope = gradient(part, wins[open_samples], theta[open_samples]) * where
        matrix = grounded(curvature(part, theta[open_samples]), where)
        step = np.linalg.solve(matrix, slope[:, :, None])[:, :, 0]
        length = np.ptp(step, axis=1)
        damping = np.log1p(length) / np.maximum(length, np.finfo(float).tiny)
        theta[open_samples] = _centred(theta[open_samples] + damping[:, None] * step, where)
        open_samples = open_samples[length > tolerance]
        if not open_samples.size:
            return theta
    raise ArithmeticError(f"no maximum of the likelihood within {_MAX_STEPS} Newton steps")


def _strength(theta: FloatArray) -> FloatArray:
    if theta.size and np.abs(theta).max() > _FARTHEST:
        raise ArithmeticError("ratings lie too far apart to be told from infinite ones")
    return np.exp(theta)


def _centred(theta: FloatArray, free: BoolArray) -> FloatArray:
    mean = np.where(free, theta, 0).sum(axis=1) / np.maximum(free.sum(axis=1), 1)
    return np.where(free, theta - mean[:, None], 0)
