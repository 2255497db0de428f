"""How much of the set a random search has seen, told from how often each point was hit.

A point that many starts reached was easy; if many points were hit once only, others were
probably not hit at all. Good (1953) estimates the probability that the next start ends in a
known point; Chao (1984) gives a lower bound for the number of points never hit.
"""

from __future__ import annotations

import numpy as np

__all__ = ["chao1_unseen", "good_turing_coverage"]


def good_turing_coverage(hits: np.ndarray) -> float | None:
    """Probability that one more start of the same kind ends in a point that was hit before.

    Parameters
    ----------
    hits : array of int, [n_points]
        How many starts ended in each point.

    Returns
    -------
    float or None
        ``1 - f1 / n``, with f1 the number of points hit once and n the number of hits; None
        without any hit. Source: Good (1953), eq. 9.
    """
    total = int(np.sum(hits))
    if total == 0:
        return None
    return 1.0 - int(np.sum(np.asarray(hits) == 1)) / total


def chao1_unseen(hits: np.ndarray) -> float | None:
    """Estimate, from below, how many points were never hit.

    Parameters
    ----------
    hits : array of int, [n_points]
        How many starts ended in each point; zeros are ignored.

    Returns
    -------
    float or None
        The bias-corrected estimate ``(n-1)/n f1 (f1 - 1) / (2 (f2 + 1))``, with f1 and f2 the
        points hit once and twice; None without any hit. Source: Chao (1984); Chao & Chiu (2016),
        eq. 2b.
    """
    hits = np.asarray(hits)
    total = int(hits.sum())
    if total == 0:
        return None
    f1, f2 = int(np.sum(hits == 1)), int(np.sum(hits == 2))
    return (total - 1) / total * max(0, f1 * (f1 - 1)) / (2.0 * (f2 + 1))
