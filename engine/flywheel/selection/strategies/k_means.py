"""K-Means (Lloyd's algorithm, k-means++ seeding). numpy alone, and the same labels for the same seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def k_means(points: Matrix, n_clusters: int, random_state: int, max_iter: int = 50) -> Labels:
    """(n,) labels in 0..n_clusters-1 of (n, d) points; with fewer points than clusters each has its own.

    A cluster that loses all its points keeps its centre.
    """
    n_clusters = min(n_clusters, len(points))
    if n_clusters == 0:
        return np.zeros(0, np.int64)
    centres = _seeded(points, n_clusters, np.random.default_rng(random_state))
    labels = _nearest(points, centres)
    for _ in range(max_iter):
        centres = _means(points, labels, centres)
        moved = _nearest(points, centres)
        if np.array_equal(moved, labels):
            break
        labels = moved
    return labels


def _seeded(points: Matrix, n_clusters: int, rng: np.random.Generator) -> Matrix:
    """Points as first centres, each far from those before it (k-means++)."""
    norms = (points**2).sum(axis=1)
    chosen = [int(rng.integers(len(points)))]
    distance = _squared(points, norms, points[chosen])[:, 0]
    while len(chosen) < n_clusters:
        total = float(distance.sum())
        if total > 0:
            drawn = int(np.searchsorted(np.cumsum(distance), rng.random() * total, side="right"))
            drawn = min(drawn, len(points) - 1)
        else:
            drawn = int(rng.integers(len(points)))
        chosen.append(drawn)
        distance = np.minimum(distance, _squared(points, norms, points[[drawn]])[:, 0])
    return points[chosen].copy()


def _squared(points: Matrix, norms: Matrix, centres: Matrix) -> Matrix:
    """(n, k) squared distances; norms are the points' own squared lengths."""
    squared: Matrix = norms[:, None] + (centres**2).sum(axis=1)[None, :] - 2 * (points @ centres.T)
    return np.maximum(squared, 0)


def _nearest(points: Matrix, centres: Matrix) -> Labels:
    """Of squared distances, less the part that is the same for all centres."""
    labels: Labels = (
        ((centres**2).sum(axis=1)[None, :] - 2 * (points @ centres.T)).argmin(axis=1).astype(np.int64)
    )
    return labels


def _means(points: Matrix, labels: Labels, centres: Matrix) -> Matrix:
    order = np.argsort(labels, kind="stable")
    present, starts, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    moved = centres.copy()
    moved[present] = np.add.reduceat(points[order], starts, axis=0) / sizes[:, None].astype(np.float32)
    return moved
